import Foundation
import Testing

/// What people see: access log, status, metrics.
@Suite("Access log, status and metrics")
struct InsightTests {
    @Test("every request is one line of JSON that says who served it, how long each phase took and how it ended")
    func accessLog() throws {
        let app = try ScriptedServer.named("app")
        let gateway = try Gateway(app)
        _ = try gateway.get("/a?b=\"c\"", fields: "User-Agent: \"quoted\\\" \u{7}\r\n".replacing("\u{7}", with: ""))
        _ = try gateway.get("/missing", host: "evil.test")
        let client = try gateway.connect()
        _ = try client.exchange("GET / HTTP/1.1\r\nHost : a\r\n\r\n")
        try eventually("three lines are there: \(gateway.process.standardOutput)") { gateway.accessLog.count >= 3 }
        let text = gateway.process.standardOutput.split(separator: "\n").filter { $0.contains("status") }
        for line in text {
            #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(line.utf8)) }
        }
        let statuses = gateway.accessLog.compactMap { $0["status"] as? Int }
        #expect(statuses.sorted() == [200, 400, 404])
    }
}
