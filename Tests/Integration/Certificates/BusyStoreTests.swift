import Foundation
import Testing

/// Another process that holds the store's lock, or a certificate's claim: for a while, or as a command that a terminal has
/// stopped in the middle of a write.
@Suite("A store that another process keeps changing", .patient)
struct BusyStoreTests {
    private let directory: TemporaryDirectory
    /// Brought by hand.
    private let live: TestCertificate

    init() throws {
        directory = try TemporaryDirectory()
        live = try TestCertificate("live", names: ["bought.test"], in: directory)
        try directory.write(
            """
            site: foobar.test
            certificate-store: store
            certificates:
              web: { names: [foobar.test], issuer: internal }
              bought: { names: [bought.test], issuer: { acme: "https://127.0.0.1:1/directory" }, standby: internal }
              fresh: { names: [fresh.foobar.test], issuer: internal }
              web2: { names: [web2.foobar.test], issuer: internal }
            """,
            to: "site.yaml"
        )
        for command in [
            ["issue", "web"], ["rotate", "web"], ["issue", "bought.standby"],
            ["import", "bought", "--certificate", live.certificatePath, "--key", live.keyPath],
        ] {
            let done = try directory.certs(command)
            #expect(done.status == 0, "\(done)")
        }
    }

    @Test("who changes it, or asks how it stands, is told so after ten seconds; who reads of it does not wait")
    func held() throws {
        let holder = try holder()
        let before = try contents()
        let waiting = [
            ["issue", "fresh"], ["rotate", "web"], ["renew"], ["standby", "bought"], ["rollback", "web"],
            ["retire", "web"], ["retire", "web", "--compromised"], ["retire", "web", "--revoke", "superseded"],
            ["ca", "init"], ["ca", "renew"], ["ca", "detach", "--out", directory.path("root.key")],
            ["import", "bought", "--certificate", live.certificatePath, "--key", live.keyPath], ["list"], ["verify"],
        ]
        // All at a time: each waits.
        let commands = try waiting.map { arguments in
            (arguments, try directory.beginCerts(arguments, name: directory.uniqueName("command")))
        }
        for (arguments, process) in commands {
            #expect(try process.wait() == 1, "\(arguments) \(process.standardError)")
            let words = "is being changed by another process for 10 s: wait for that, or see which it is (`fuser "
            #expect(process.standardError.contains(words), "\(arguments): \(process.standardError)")
        }
        #expect(try contents() == before, "nothing has come about")
        let export = ["export", "web", "--out", directory.path("out")]
        for arguments in [["audit"], ["ca", "export"], export] {
            let read = try directory.certs(arguments)
            #expect(!read.error.contains("another process") && read.status == 0, "\(arguments) \(read)")
        }
        holder.send(SIGKILL)
        try holder.wait()
        #expect(try directory.certs(["rotate", "web"]).status == 0)
    }

    @Test("a reload is in force all the same, and ends with 1 for what could not be made, which the next one makes")
    func reloaded() throws {
        let port = try Ports.free()
        func text(_ key: String) -> String {
            let web = "web: { names: [foobar.test], issuer: internal, key: \(key) }"
            return CertificateSite.text(at: port, certificates: "  " + web)
        }
        let site = try RunningSite(text("ecdsa-p256"), in: directory)
        let holder = try holder()
        try directory.write(text("ecdsa-p384"), to: "site.yaml")
        let reload = try site.command("reload")
        #expect(reload.status == 1 && reload.output.contains("is in force"), "\(reload)")
        #expect(reload.error.contains("could not be made: web; "), "\(reload)")
        #expect(reload.error.contains("is being changed by another process"), "\(reload)")
        holder.send(SIGKILL)
        try holder.wait()
        let next = try site.command("reload")
        #expect(next.status == 0 && !next.error.contains("could not be made"), "\(next) \(site.log)")
        #expect(try directory.shown(at: port, "-text").contains("P-384"))
    }

    /// A process that holds the store's lock.
    private func holder() throws -> ChildProcess {
        let script = """
            import fcntl, sys, time
            file = open(sys.argv[1], "r+")
            fcntl.flock(file, fcntl.LOCK_EX)
            print("held", flush=True)
            time.sleep(600)
            """
        let holder = try ChildProcess(
            "/usr/bin/python3",
            ["-c", script, directory.path("store/.lock")],
            in: directory,
            name: "holder"
        )
        try eventually("it holds the lock") { holder.standardOutput.contains("held") }
        return holder
    }

    @Test("two commands at once, of which the first is slow: the second waits, says for whom, and both end well")
    func together() throws {
        func command(_ certificate: String, under prefix: [String], name: String) throws -> ChildProcess {
            try directory.beginCerts(["rotate", certificate], under: prefix, name: name)
        }
        // A disk that takes its time.
        let slow = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=fsync:delay_enter=400000"]
        let first = try command("web", under: slow, name: "first")
        let claim = directory.path("store/.claims/web")
        try eventually("it has begun") {
            (try? String(contentsOfFile: claim, encoding: .utf8))?.contains("gatehouse certs rotate") == true
        }
        let second = try command("web", under: [], name: "second")
        // Another certificate waits for the store alone.
        let third = try command("web2", under: [], name: "third")
        for process in [first, second, third] { #expect(try process.wait() == 0, "\(process.standardError)") }
        #expect(second.standardError.contains("(`gatehouse certs rotate`) has been making it since "))
        #expect(second.standardError.contains("waiting for that until "))
        #expect(!third.standardError.contains("waiting"), "\(third.standardError)")
        let history = try directory.certs(["audit"])
        #expect(history.status == 0, "\(history)")
        let lines = history.output.split(separator: "\n")
        #expect(lines.count { $0.contains(" web issued") } == 4 && lines.count { $0.contains(" web2 issued") } == 1)
        #expect(try directory.certs(["verify", "web", "web2"]).status == 0)
    }

    /// The certificates and keys that are there, and which of them are current.
    private func contents() throws -> [String] {
        let paths = try FileManager.default.subpathsOfDirectory(atPath: directory.path("store"))
        // An account at a CA is a matter of its own.
        let wanted = paths.filter { $0.hasSuffix(".pem") || $0.hasSuffix("/current") }
            .filter { !$0.hasPrefix("acme-accounts") }
        return try wanted.sorted().map { path in
            path + ": " + (try String(contentsOfFile: directory.path("store/" + path), encoding: .utf8))
        }
    }
}
