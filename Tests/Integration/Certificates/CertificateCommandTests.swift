import Foundation
import Testing

/// What the commands of `certs` say and end with, where no gateway runs.
@Suite("The commands of certificates", .patient)
struct CertificateCommandTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        let files = try TestCertificate("live", names: ["files.test"], in: directory)
        try directory.write(
            """
            site: foobar.test
            certificate-store: store
            certificates:
              web:
                names: [foobar.test]
                issuer: internal
                deploy: { run: [./deploy] }
              live:
                names: [files.test]
                issuer: { files: { certificate: \(files.certificatePath), key: \(files.keyPath) } }
            """,
            to: "site.yaml"
        )
        // Who starts it holds keys.
        try directory.write(
            """
            #!/bin/sh
            ulimit -Hc > \(directory.path("core"))
            grep SigCgt /proc/$PPID/status > \(directory.path("caught"))
            """,
            to: "deploy"
        )
        try directory.setMode(0o700, of: "deploy")
    }

    private func certs(_ arguments: String...) throws -> ToolResult { try directory.certs(arguments) }

    private func text(_ file: String) throws -> String {
        try String(contentsOfFile: directory.path(file), encoding: .utf8)
    }

    @Test("a command leaves no core and no backtrace behind, which would hold keys")
    func dumps() throws {
        let issued = try certs("issue", "web")
        #expect(issued.status == 0 && issued.output.contains("deployed"), "\(issued)")
        #expect(try text("core") == "0\n")
        let caught = try #require(try text("caught").split(whereSeparator: \.isWhitespace).last)
        let mask = try #require(UInt64(caught, radix: 16))
        // SIGQUIT 3, SIGILL 4, SIGTRAP 5, SIGABRT 6, SIGBUS 7, SIGFPE 8, SIGSEGV 11: bit 0 stands for 1.
        #expect(mask & 0b100_1111_1100 == 0, "\(caught)")
    }

    @Test("words from outside forge no line of the history, and a terminal obeys none of them")
    func forging() throws {
        #expect(try certs("issue", "web").status == 0)
        let reason = "x\n2026-01-01T00:00:00Z web revoked, generation 1, by CN=nobody: \u{1B}[31mstolen"
        #expect(try certs("rotate", "web", "--reason", reason).status == 0)
        let history = try certs("audit", "web")
        #expect(history.status == 0 && history.output.split(separator: "\n").count == 3, "\(history)")
        #expect(history.output.contains(#"x\u{A}2026-01-01"#) && !history.output.contains("\u{1B}"), "\(history)")
        let raw = try certs("audit", "--json").output
        #expect(!raw.contains("\u{1B}") && raw.contains("x\\n2026"), "\(raw)")
        #expect(try certs("audit", "nosuch").status == 2)
    }

    @Test(
        "a store that somebody else was at is found: by a log that is cut, a pair that is another, a folder that is open"
    )
    func inspection() throws {
        #expect(try certs("issue", "web").status == 0)
        #expect(try certs("verify").status == 0 && certs("audit").status == 0)
        try directory.setMode(0o777, of: "store")
        let open = try certs("verify")
        #expect(open.status == 1 && open.error.contains("chmod 700 \(directory.path("store"))"), "\(open)")
        let check = try run(try Gateway.binary, ["check", "--site", directory.path("site.yaml")], in: directory)
        #expect(check.status == 0 && check.error.contains("chmod 700 \(directory.path("store"))"), "\(check)")
        try directory.setMode(0o700, of: "store")

        let log = try text("store/audit.log")
        try String(log.split(separator: "\n")[0] + "\n").write(
            toFile: directory.path("store/audit.log"),
            atomically: false,
            encoding: .utf8
        )
        let cut = try certs("audit")
        #expect(cut.status == 1 && cut.error.contains("certificate web: generation 1 is in no line"), "\(cut)")
        try log.write(toFile: directory.path("store/audit.log"), atomically: false, encoding: .utf8)
        #expect(try certs("audit").status == 0)

        let other = try TestCertificate("other", names: ["foobar.test"], in: directory)
        for (from, to) in [(other.certificatePath, "fullchain.pem"), (other.keyPath, "key.pem")] {
            let bytes = try String(contentsOfFile: from, encoding: .utf8)
            try bytes.write(toFile: directory.path("store/web/1/\(to)"), atomically: false, encoding: .utf8)
        }
        #expect(try certs("audit", "web").status == 1)
        let swapped = try certs("verify", "--json", "web")
        #expect(swapped.status == 1 && swapped.output.contains("IS NOT THE CERTIFICATE OF THE AUDIT LOG"), "\(swapped)")
    }

    @Test("nothing goes back to one that lacks a name which clients get")
    func narrowerWayBack() throws {
        #expect(try certs("issue", "web").status == 0)
        try directory.write(
            try text("site.yaml").replacing("names: [foobar.test]", with: "names: [foobar.test, www.foobar.test]"),
            to: "site.yaml"
        )
        #expect(try certs("issue", "web").status == 0)
        let back = try certs("rollback", "web")
        #expect(back.status == 1 && back.error.contains("generation 1 does not cover www.foobar.test"), "\(back)")
        #expect(back.error.contains("`gatehouse certs rotate web`"), "\(back)")
        #expect(try certs("rotate", "web").status == 0)
        let next = try certs("rollback", "web")
        #expect(next.status == 0 && next.output.contains("back to the one that is good until"), "\(next)")
    }

    @Test("a certificate that is named twice is replaced once")
    func namedTwice() throws {
        #expect(try certs("issue", "web").status == 0)
        #expect(try certs("rotate", "web", "web").status == 0)
        #expect(FileManager.default.fileExists(atPath: directory.path("store/web/2")))
        #expect(!FileManager.default.fileExists(atPath: directory.path("store/web/3")))
    }

    @Test("the internal CA is made by `ca init`, once, and issues what comes after that")
    func authority() throws {
        let made = try certs("ca", "init")
        #expect(made.status == 0 && made.output.contains("SHA-256"), "\(made)")
        #expect(try certs("ca", "init").output == made.output)
        #expect(!FileManager.default.fileExists(atPath: directory.path("store/web")))
        #expect(try certs("issue", "web").status == 0)
        let root = try certs("ca", "export")
        try directory.write(root.output, to: "root.pem")
        let chain = directory.path("store/web/1/fullchain.pem")
        let verified = try run(
            "openssl",
            ["verify", "-x509_strict", "-CAfile", directory.path("root.pem"), "-untrusted", chain, chain],
            in: directory
        )
        #expect(verified.status == 0 && root.status == 0, "\(verified)")
    }

    @Test("of files the store has nothing, and commands say so; without a gateway they name the socket")
    func files() throws {
        for command in [["issue"], ["rollback"], ["retire"], ["export", "--out", "out"]] {
            let done = try directory.certs(command + ["live"])
            #expect(done.status == 2 && done.error.contains("from files"), "\(command) \(done)")
        }
        let issued = try certs("issue", "web")
        #expect(
            issued.output.contains("no gateway of this site answers at \(directory.path("admin.sock"))"),
            "\(issued)"
        )
        let again = try certs("renew")
        #expect(again.status == 0 && again.output.contains("no certificate is due"), "\(again)")
        #expect(try text("store/audit.log").contains("\"reason\":\"there was none in the store\""))
    }

    @Test("a certificate that ends within the hour is said to have minutes left")
    func minutes() throws {
        #expect(try certs("issue", "web").status == 0)
        let late = ["faketime", "--exclude-monotonic", "-f", "+\(47 * 1440 - 100)m"]
        let listed = try directory.certs(["list"], under: late)
        #expect(listed.output.contains(" minutes)"), "\(listed)")
    }

    @Test("commands to the gateway say what is wrong with the site file that should name it")
    func brokenFile() throws {
        try directory.write("site: foobar.test\ncertificates: { web: { names: [] } }\n", to: "broken.yaml")
        let reloaded = try run(try Gateway.binary, ["reload", "--site", directory.path("broken.yaml")], in: directory)
        #expect(reloaded.status == 2 && reloaded.error.contains("broken.yaml:2:"), "\(reloaded)")
        #expect(reloaded.error.contains("--socket"), "\(reloaded)")
    }

    @Test("a user who may not read the store is told so by all commands alike")
    func denied() throws {
        guard Unprivileged.isAnother, try Unprivileged.canRun(try Gateway.binary, in: directory) else { return }
        #expect(try certs("issue", "web").status == 0)
        for command in ["list", "verify", "audit"] {
            let done = try directory.certs([command], under: Unprivileged.prefix)
            #expect(done.status == 3, "\(command) \(done)")
        }
    }
}
