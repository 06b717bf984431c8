import Foundation
import Testing

/// A process that holds the claim of a certificate and does not end, as a command that a terminal has stopped.
@Suite("A certificate that another process is making", .patient)
struct ClaimTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        try directory.write(
            """
            site: foobar.test
            certificate-store: store
            certificates:
              web: { names: [foobar.test], issuer: internal }
            """,
            to: "site.yaml"
        )
        #expect(try directory.certs(["issue", "web"]).status == 0)
    }

    /// A process that holds the claim, as one does that began so many seconds ago.
    private func holder(since seconds: Int) throws -> ChildProcess {
        let script = """
            import fcntl, os, sys, time
            file = open(sys.argv[1], "r+")
            fcntl.flock(file, fcntl.LOCK_EX)
            file.truncate()
            file.write("%d %d lb-01 gatehouse certs rotate" % (os.getpid(), time.time() - int(sys.argv[2])))
            file.flush()
            print("held", flush=True)
            time.sleep(600)
            """
        let arguments = ["-c", script, directory.path("store/.claims/web"), "\(seconds)"]
        let name = directory.uniqueName("holder")
        let holder = try ChildProcess("/usr/bin/python3", arguments, in: directory, name: name)
        try eventually("it holds the claim") { holder.standardOutput.contains("held") }
        return holder
    }

    @Test("is listed with who makes it; one that takes too long is told by all, and waited for no longer")
    func stopped() throws {
        let fresh = try holder(since: 60)
        let who = "process \(fresh.identifier) of lb-01 (`gatehouse certs rotate`) has been making it since "
        let listed = try directory.certs(["list"])
        #expect(listed.status == 0 && listed.output.contains(who), "\(listed)")
        let waiting = try directory.beginCerts(["rotate", "web"], name: "waiting")
        try eventually("it says for whom it waits") { waiting.standardError.contains(who) }
        #expect(waiting.standardError.contains("waiting for that until "))
        fresh.send(SIGKILL)
        #expect(try waiting.wait() == 0)

        let late = try holder(since: 901)
        let refused = try directory.certs(["rotate", "web"])
        #expect(refused.status == 1 && refused.error.contains("process \(late.identifier) of lb-01"), "\(refused)")
        #expect(refused.error.contains("end it on lb-01 (`kill -KILL \(late.identifier)`)"), "\(refused)")
        // A CA may be that slow.
        #expect(try directory.certs(["list"]).status == 0)
        late.send(SIGKILL)
        try late.wait()
        let old = try holder(since: 3_601)
        let overdue = try directory.certs(["list"])
        #expect(overdue.status == 1 && overdue.output.contains("`kill -KILL \(old.identifier)`"), "\(overdue)")
    }
}
