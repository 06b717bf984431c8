import Control
import FoundationEssentials
import Gateway
import Glibc
import Operations
import Site
import Testing

@Suite("Status over the admin socket")
struct AdminSocketTests {
    @Test("a whole status of a large site comes through and reads as a table")
    func status() throws {
        var made = try MadeView()
        made.bringUp()
        let pool = made.view.plan.pools[0]
        made.view.plan.pools = (0..<500).map { index in
            var copy = pool
            copy.name = "pool-\(index)"
            return copy
        }
        let answers = AdminAnswers(CurrentView(made.view))
        let path = "\(FileManager.default.temporaryDirectory.path)/gatehouse-admin-\(getpid()).sock"
        let socket = try AdminSocket(path: path)
        try socket.start { request, _ in answers.answer(request) ?? .error("not here", exit: 2) }
        defer { socket.stop() }
        let line = try #require(try AdminClient.ask(.status, at: path, within: 10_000))
        let result = try #require(JSONValue(parsing: line)?["result"])
        #expect(result["pools"]?.items.count == 500)
        #expect(StatusTable(result).text.contains("\npool pool-499\n"))
        let refused = try #require(try AdminClient.ask(.drain(server: "pool-3/app-09"), at: path, within: 10_000))
        #expect(JSONValue(parsing: refused)?["exit"]?.integer == 2)
    }
}
