import Control
import Gateway
import Linux
import Operations
import Site
import Testing

@Suite("Status")
struct StatusTests {
    /// A day, two hours and three seconds after the start.
    private static let realtime: UInt64 = 1_700_000_000_000_000 + 93_603_000_000

    private func document(_ made: MadeView) -> JSONValue {
        StatusReport(made.view, now: MadeView.now, realtime: Self.realtime).document
    }

    private func troubled() throws -> MadeView {
        var made = try MadeView()
        made.bringUp()
        made.view.dataPlane = 104
        made.set(worker: 0, .heartbeat, MadeView.now - 120)
        made.set(worker: 0, .connectionsOpen, 60)
        made.set(worker: 1, .heartbeat, MadeView.now - 40)
        made.set(worker: 1, .connectionsOpen, 4)
        made.set(0, .requests, 123_456)
        made.set(0, .inFlight, 3)
        made.set(1, .health, SharedState.Health.down.rawValue)
        made.set(1, .lastCheck, HealthVerdicts.Failure.refused.rawValue)
        made.set(1, .failures, 17)
        made.set(2, .ejectedUntil, MadeView.now + 8_200)
        made.set(2, .ejections, 1)
        return made
    }

    @Test("the document says what is there")
    func document() throws {
        let document = document(try troubled())
        #expect(document["site"]?.text == "foobar.com")
        #expect(document["generation"]?.integer == 3)
        #expect(document["data_plane_pid"]?.integer == 104)
        #expect(document["uptime_seconds"]?.integer == 93_603)
        #expect(document["started"]?.text == "2023-11-14T22:13:20Z")
        #expect(document["workers"]?.items.map { $0["heartbeat_age_seconds"]?.number } == [0.12, 0.04])
        let listeners = try #require(document["listeners"]?.items)
        #expect(listeners[0]["protocols"] == .strings(["h2", "http/1.1"]))
        #expect(listeners[0]["certificates"] == .strings(["foobar.com"]))
        #expect(listeners[1]["redirect_port"]?.integer == 443)
        let servers = try #require(document["pools"]?.items.first?["servers"]?.items)
        #expect(servers.map { $0["state"]?.text } == ["up", "down", "ejected"])
        #expect(servers[1]["address"]?.text == "[2001:db8::22]:8080")
        #expect(servers[2]["ejected_for_seconds"]?.number == 8.2)
    }

    @Test("a server that should serve and does not is what is found wanting")
    func wanting() throws {
        func isWanting(_ change: (inout MadeView) -> Void) throws -> Bool {
            var made = try MadeView()
            made.bringUp()
            change(&made)
            return StatusReport(made.view, now: MadeView.now, realtime: Self.realtime).isWanting
        }
        let down = SharedState.Health.down.rawValue
        #expect(try !isWanting { _ in })
        #expect(try isWanting { $0.set(0, .health, down) })
        #expect(try isWanting { $0.set(0, .ejectedUntil, MadeView.now + 1) })
        #expect(try isWanting { $0.view.plan.pools[0].servers[0].address = "" })
        #expect(try !isWanting { $0.set(0, .admin, SharedState.Admin.drain.rawValue) })
        #expect(try !isWanting { $0.set(0, .weight, 1) })
        #expect(
            try !isWanting {
                $0.set(0, .admin, SharedState.Admin.drain.rawValue)
                $0.set(0, .health, down)
                $0.set(0, .ejectedUntil, MadeView.now + 1)
            }
        )
    }

    @Test("the table, as people see it")
    func table() throws {
        let expected = """
            foobar.com: configuration 3, up 1 d 2 h, gatehouse 1.2.3, process 100, data plane 104
            2 workers, 64 connections; the slowest was heard of 0.1 s ago

            LISTENER             SPEAKS                 CERTIFICATES
            *:443                TLS: h2 http/1.1       foobar.com
            198.51.100.10:80     redirects to port 443
            [2001:db8:1::10]:80  redirects to port 443

            pool web
            SERVER  ADDRESS              STATE    WEIGHT  ACTIVE  REQUESTS  FAILED  WHY
            app-01  10.10.0.21:8080      up            2       3    123456       0  last check passed: HTTP 200
            app-02  [2001:db8::22]:8080  down          1       0         0      17
                last check failed: connection refused
            app-03  10.10.0.23:8080      ejected       1       0         0       0
                requests to it failed; left out for another 9 s

            """
        let text = StatusTable(document(try troubled())).text
        #expect(text == expected, "\(text)")
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= 100 })
    }

    @Test("a data plane that was replaced is told of, with the time and the reason")
    func restarts() throws {
        var made = try troubled()
        let none = document(made)["data_plane_restarts"]
        #expect(none?["count"]?.integer == 0 && none?["last"] == .null)
        let time = Self.realtime - 3_000_000
        made.view.restarts.note(.ended(process: 99, how: .killed(signal: 9), restartInMilliseconds: 0), at: time)
        let restarts = document(made)["data_plane_restarts"]
        #expect(restarts?["count"]?.integer == 1)
        #expect(restarts?["last"]?.text == "2023-11-16T00:13:20Z")
        #expect(restarts?["last_pid"]?.integer == 99)
        let line = StatusTable(document(made)).text.split(separator: "\n")[2]
        #expect(
            line == "the data plane was replaced 1 time, last at 2023-11-16T00:13:20Z: process 99 was killed by "
                + "signal 9 (Killed)"
        )
    }

    @Test("how the data plane that serves is confined is told, and what the kernel lacks for it")
    func sandbox() throws {
        var made = try troubled()
        #expect(document(made)["data_plane_sandbox"] == .null)
        let whole = Sandbox.Report(user: 998, landlockVersion: 7, hasSystemCallFilter: true, lacks: [])
        let half = Sandbox.Report(user: 998, landlockVersion: 0, hasSystemCallFilter: true, lacks: ["No Landlock."])
        made.view.note(.started(process: 7, sandbox: half), at: 0)
        #expect(document(made)["data_plane_sandbox"] == .null, "it does not serve yet")
        made.view.note(.published(process: 7, generation: 1, berth: 0), at: 0)
        made.view.note(.published(process: 7, generation: 2, berth: 0), at: 0)
        let sandbox = document(made)["data_plane_sandbox"]
        #expect(sandbox?["landlock"]?.integer == 0 && sandbox?["user"]?.integer == 998)
        #expect(sandbox?["system_call_filter"]?.boolean == true)
        #expect(sandbox?["lacks"] == .strings(["No Landlock."]))
        let lines = StatusTable(document(made)).text.split(separator: "\n")
        #expect(lines[2] == "the data plane runs as user 998, Landlock off, system call filter on")
        #expect(lines[3] == "    No Landlock.")
        // The one that replaces it tells anew, and its last words are not taken for the one's that serves.
        made.view.note(.started(process: 8, sandbox: whole), at: 0)
        #expect(document(made)["data_plane_sandbox"]?["landlock"]?.integer == 0)
        made.view.note(.published(process: 8, generation: 3, berth: 0), at: 0)
        #expect(document(made)["data_plane_sandbox"]?["lacks"] == .strings([]))
        // One that an earlier control process started.
        made.view.note(.published(process: 6, generation: 4, berth: 0), at: 0)
        #expect(document(made)["data_plane_sandbox"] == .null)
    }

    @Test("no name steers the terminal, and a document of another shape is no crash")
    func hostile() throws {
        let text = StatusTable(document(try MadeView(pool: "w\u{1B}[2Jeb\u{202E}"))).text
        #expect(text.contains("pool w\\u{1B}[2Jeb\\u{202E}"))
        #expect(!text.unicodeScalars.contains("\u{1B}"))
        for document in [JSONValue.null, .array([.null]), .object([.init("pools", .array([.null, .object([])]))])] {
            #expect(!StatusTable(document).text.isEmpty)
        }
    }
}
