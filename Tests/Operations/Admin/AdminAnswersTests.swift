import Certificates
import Control
import Gateway
import Operations
import Site
import Testing

@Suite("Admin answers")
struct AdminAnswersTests {
    private func ask(_ made: MadeView, _ line: String) throws -> (exit: Int?, JSONValue) {
        let request = try #require(AdminRequest(line: line))
        let reply = try #require(AdminAnswers(CurrentView(made.view)).answer(request))
        let document = try #require(JSONValue(parsing: reply.line))
        #expect(document["exit"]?.integer == Int(reply.exit))
        return (document["exit"]?.integer, document)
    }

    @Test("a drained server gets no more requests until it is ready again")
    func drain() throws {
        let made = try MadeView()
        made.bringUp()
        let balancer = Balancer(plan: made.view.plan.pools[0], state: made.state)
        func picks() -> Set<Int> {
            Set((0..<20).compactMap { _ in balancer.select(now: MadeView.now, tried: TriedServers()) })
        }
        #expect(picks() == [0, 1, 2])
        let (exit, reply) = try ask(made, "server drain web/app-01")
        #expect(exit == 0)
        #expect(reply["result"]?["server"]?.text == "web/app-01")
        #expect(reply["result"]?["was"]?["admin"]?.text == "ready")
        #expect(reply["result"]?["is"]?["admin"]?.text == "drain")
        #expect(picks() == [1, 2])
        _ = try ask(made, "server ready web/app-01")
        #expect(picks() == [0, 1, 2])
    }

    @Test("a weight takes effect at once, and the site file's own weight ends it")
    func weight() throws {
        let made = try MadeView()
        made.bringUp()
        let balancer = Balancer(plan: made.view.plan.pools[0], state: made.state)
        func share() -> Int {
            (0..<80).compactMap { _ in balancer.select(now: MadeView.now, tried: TriedServers()) }.filter { $0 == 0 }
                .count
        }
        #expect(share() == 40)
        let (_, reply) = try ask(made, "server weight web/app-01 6")
        #expect(reply["result"]?["was"]?["weight"]?.integer == 2)
        #expect(reply["result"]?["is"]?["weight"]?.integer == 6)
        #expect(share() == 60)
        _ = try ask(made, "server weight web/app-01 2")
        #expect(made.state.load(server: 0, .weight) == 0)
        #expect(share() == 40)
    }

    @Test("what the site file asks of a certificate or a standby is said, and nothing of what it does not name")
    func wishes() throws {
        var made = try MadeView()
        var settings = CertificateSettings(name: "web", names: [.exact("foobar.com")], issuer: .internal)
        settings.standby = .acme(ACMESettings(directory: "https://ca.test/dir"))
        let standby = try #require(settings.standbyCertificate)
        made.view.certificateSettings = ["web": settings]
        for asked in [settings, standby] {
            let (exit, reply) = try ask(made, "certificates wish \(asked.name)")
            #expect(exit == 0 && reply["result"]?.text == asked.wish)
        }
        #expect(standby.wish.hasSuffix(" foobar.com of https://ca.test/dir"), "\(standby.wish)")
        let (_, unknown) = try ask(made, "certificates wish other")
        #expect(unknown["result"] == JSONValue.null)
    }

    @Test("a name that is not there gets the nearest one")
    func typo() throws {
        let made = try MadeView()
        let (exit, reply) = try ask(made, "server drain web/app-10")
        #expect(exit == 2)
        let error = try #require(reply["error"]?.text)
        #expect(error == "there is no server web/app-10; did you mean web/app-01?")
        let (_, other) = try ask(made, "server drain nothing/like-it-at-all")
        let list = try #require(other["error"]?.text)
        #expect(list.hasSuffix("the servers are web/app-01, web/app-02, web/app-03"))
    }

    @Test("status ends with 1 when a server is down, and reload is left to control")
    func status() throws {
        let made = try MadeView()
        made.bringUp()
        #expect(try ask(made, "status").exit == 0)
        made.set(2, .health, SharedState.Health.down.rawValue)
        #expect(try ask(made, "status").exit == 1)
        #expect(AdminAnswers(CurrentView(made.view)).answer(.reload) == nil)
    }
}
