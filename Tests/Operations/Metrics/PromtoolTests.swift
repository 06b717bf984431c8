import FoundationEssentials
import Glibc
import Linux
import Operations
import Testing

@Suite("promtool")
struct PromtoolTests {
    @Test(
        "finds nothing to say of our metrics",
        .enabled(if: RealTool.path("promtool") != nil, "promtool is missing: apt install prometheus")
    )
    func check() throws {
        let made = try MadeView(pool: "a \"strange\" \\ name")
        made.bringUp()
        let file = "\(FileManager.default.temporaryDirectory.path)/gatehouse-metrics-\(getpid()).txt"
        defer { FileWriting.remove(file) }
        try MetricsReport.text(of: made.view, now: MadeView.now).write(toFile: file, atomically: true, encoding: .utf8)
        // The lint warnings go to standard error and the exit status: 0 is clean.
        // Sound: the shell reads the text during the call.
        let status = unsafe system("promtool check metrics < '\(file)'")
        #expect(status == 0, "promtool ended with \(status >> 8)")
    }
}
