import Foundation
import Testing

/// docs/certificates.md, tried: its site files are served, and each of its commands is run, in the order in which somebody
/// who reads it would.
@Suite("Every command of docs/certificates.md", .patient)
struct DocumentedCommandsTests {
    private let document: CertificateDocument
    private let directory: TemporaryDirectory
    private let pebble: Pebble
    private let app: ScriptedServer
    private let shell: Shell
    private let secure: UInt16
    /// A name that no other gateway of this machine has, since that decides where its socket is.
    private let site = "t\(UInt32.random(in: 0 ... .max)).foobar.com"

    init() throws {
        document = try CertificateDocument()
        directory = try TemporaryDirectory()
        let plain = try Ports.free()
        secure = try Ports.free()
        app = try ScriptedServer.named("app-01")
        pebble = try Pebble(.init(httpPort: plain, tlsPort: secure), in: directory)
        let ports = (app: app.port, plain: plain, secure: secure)
        shell = Shell(directory) { [site, pebble, directory] text in
            // The document's ports, name and CAs, and places of this machine's.
            [
                (" 8080 ", " \(ports.app) "), ("port: 8080", "port: \(ports.app)"),
                ("port: 443,", "port: \(ports.secure),"), ("port: 80,", "port: \(ports.plain),"),
                (":443:", ":\(ports.secure):"), ("https://foobar.com/", "https://foobar.com:\(ports.secure)/"),
                ("site: foobar.com", "site: \(site)"),
                ("gateway:\n", "gateway:\n  name-servers: 127.0.0.1:\(pebble.dnsPort)\n"),
                ("\"https://acme-v02.api.letsencrypt.org/directory\"", "\"\(pebble.url)\", trust: pebble.crt"),
                ("acme: \"\(pebble.url)\", trust: pebble.crt\n", "acme: \"\(pebble.url)\"\n      trust: pebble.crt\n"),
                // A second CA, as far as a site file can tell.
                (
                    "\"https://acme.zerossl.com/v2/DV90\", binding: { key-id: …, key-file: … }",
                    "\"\(pebble.url.replacing("127.0.0.1", with: "localhost"))\", trust: pebble.crt"
                ),
                ("wait: 10s", "wait: 0s"), ("/usr/local/sbin/", "./"), ("/etc/mysql/", directory.path("")),
                ("install -o mysql", "install"), ("mysql -e", "echo"),
            ].reduce(text) { $0.replacing($1.0, with: $1.1) }
        }
    }

    @Test("from nothing to a served certificate, by hand, when keys are stolen, and from an ACME server")
    func all() throws {
        let gateway = try fiveMinutes()
        try byHand()
        try goingBack()
        try stolen()
        try authority()
        try fromACME()
        try standbyAndCanary()
        try records()
        try otherPrograms(gateway)
        let left = document.commands.filter { command in !shell.tried.contains { $0.hasPrefix(command) } }
        #expect(left.isEmpty, "commands that are not tried: \(left)")
    }

    /// The site file and the commands of the first section, as they stand there.
    private func fiveMinutes() throws -> ChildProcess {
        let section = try document.section("From nothing to a served certificate")
        try shell.write(section.blocks[0], to: "site.yaml")
        var gateway: ChildProcess?
        for line in section.blocks[1].split(separator: "\n").map(String.init) {
            if line.hasPrefix("export ") {
                shell.exports.append(line)
            } else if line.hasSuffix(" &") {
                gateway = try shell.start(String(line.dropLast(2)), as: line)
            } else {
                let done = try shell.run(line)
                if line.hasPrefix("curl ") { #expect(done.output == "app-01", "\(done)") }
            }
        }
        try shell.run("gatehouse status")
        return try #require(gateway)
    }

    private func byHand() throws {
        for command in [
            "certs list [NAME...]", "certs issue NAME", "certs rotate NAME... --reason TEXT", "certs rollback NAME",
            "certs verify [NAME...]", "certs rotate NAME --new-key", "certs rotate NAME", "certs renew",
            "certs retire NAME --generation 3", "certs retire NAME", "certs audit [NAME]",
            "certs export NAME --out DIR", "gatehouse status",
        ] { try shell.run(command) }
        for command in ["list", "verify", "audit"] {
            let said = try shell.run("certs \(command) --json")
            #expect(try JSONSerialization.jsonObject(with: Data(said.output.utf8)) is [Any], "\(said)")
        }
        try ask()
    }

    private func goingBack() throws {
        // To be gone back from.
        try shell.run("certs rotate NAME")
        let steps = try document.section("Going back").commands.filter { $0.hasPrefix("gatehouse certs ") }
        #expect(steps.count == 6, "\(steps)")
        for command in steps { try shell.run(command) }
    }

    /// A client that has the root from the beginning is content.
    private func ask() throws {
        let asking = try #require(document.section("From nothing to a served certificate").client)
        #expect(try shell.run(asking).output == "app-01")
    }

    private func stolen() throws {
        let steps = try document.section("When a key is stolen").commands
        #expect(steps.filter { $0.hasPrefix("gatehouse certs ") }.count == 4, "\(steps)")
        for command in steps where command.hasPrefix("gatehouse certs ") {
            let said = try shell.run(command)
            if command.contains("--revoke") { #expect(said.output.contains("is revoked"), "\(said)") }
            if command.contains("--compromised") {
                #expect(said.output.contains("its key is gone from the gateway's memory"), "\(said)")
            }
        }
        try shell.run("certs retire NAME --revoke key-compromise")
    }

    private func authority() throws {
        for command in [
            "certs ca init", "certs ca export", "certs ca crl > /etc/mysql/foobar.crl", "certs ca renew",
            "certs ca renew --revoke key-compromise", "certs ca detach --out FILE", "certs ca renew --root-key FILE",
            "certs ca renew [--root-key FILE] [--revoke REASON]",
        ] { try shell.run(command) }
        let lists = try String(contentsOfFile: directory.path("foobar.crl"), encoding: .utf8)
        #expect(lists.components(separatedBy: "BEGIN X509 CRL").count == 3, "\(lists)")
        #expect(
            try run("stat", ["-c", "%a", directory.path("FILE")], in: directory).output == "600\n",
            "the root's key is for its owner alone"
        )
        // What the gateway shows is of the last intermediate.
        try ask()
    }

    /// Puts another section `certificates` into the site file, and has the gateway take it.
    private func certificates(_ yaml: String) throws {
        let head = try document.section("From nothing to a served certificate").blocks[0]
            .components(separatedBy: "certificates:\n")
        try #require(head.count == 2)
        try shell.write(head[0] + yaml, to: "site.yaml")
        let checked = try shell.run("gatehouse check")
        #expect(!checked.error.contains("error:"), "\(checked)")
        try shell.run("gatehouse reload")
    }

    private func fromACME() throws {
        let section = try document.section("From an ACME server")
        try certificates(section.blocks[0])
        try shell.run("gatehouse certs issue foobar.com", until: "is already in force")
        try eventually("it is shown; \(pebble.log)", within: .seconds(120)) { try shownIssuer().contains("Pebble") }
        for command in [
            "certs rotate NAME", "certs account rotate", "certs retire NAME --revoke key-compromise", "certs list",
        ] { try shell.run(command) }
        // What certbot's folder and a PKCS #12 file hold is what an export writes.
        for command in ["certs export NAME --out DIR", "certs import NAME --from DIR"] { try shell.run(command) }
        try directory.write("hunter2\n", to: "password")
        try shell.run("chmod 600 password")
        try shell.run(
            "openssl pkcs12 -export -in DIR/fullchain.pem -inkey DIR/privkey.pem -passout file:password -out pair.p12"
        )
        try shell.run("certs import NAME --pkcs12 pair.p12 --password-file password")
        try shell.run("certs import NAME --certificate DIR/fullchain.pem --key DIR/privkey.pem")
    }

    private func standbyAndCanary() throws {
        try certificates(try document.section("A canary").blocks[0])
        try certificates(try document.section("A standby").blocks[0])
        try eventually("the standby is ready; \(pebble.log)", within: .seconds(120)) {
            FileManager.default.fileExists(atPath: directory.path("certs/foobar.com.standby/current"))
        }
        try shell.run("certs export NAME.standby --out DIR2")
        for command in ["certs standby foobar.com", "certs standby NAME"] {
            // The next one is ordered by the gateway when one was taken.
            try shell.run(command, until: "is good until")
        }
        #expect(try shownIssuer().contains("Pebble"))
    }

    private func records() throws {
        let section = try document.section("Records in the DNS")
        // The program that the document asks for, as somebody would write it for their name server.
        try directory.write(
            """
            #!/bin/sh -e
            [ "$1 $2" = "--zone foobar.com" ]
            case "$3" in
                present) set="set-txt" body="{\\"host\\":\\"$4\\",\\"value\\":\\"$5\\"}" ;;
                cleanup) set="clear-txt" body="{\\"host\\":\\"$4\\"}" ;;
            esac
            curl -sf -d "$body" http://127.0.0.1:\(pebble.namesPort)/$set
            """,
            to: "dns-records"
        )
        try directory.makeExecutable("dns-records")
        for line in section.blocks[1].split(separator: "\n") {
            let command = line.components(separatedBy: "   ")[0]
            try shell.run(command)
        }
        try certificates("certificates:\n  foobar.com:\n" + section.blocks[0])
        try shell.run("certs rotate NAME")
        let shown = try run(
            "sh",
            [
                "-c",
                "openssl s_client -connect 127.0.0.1:\(secure) -servername x.foobar.com </dev/null 2>/dev/null"
                    + " | openssl x509 -noout -ext subjectAltName",
            ],
            in: directory
        )
        #expect(shown.output.contains("DNS:*.foobar.com"), "\(shown)")
    }

    private func otherPrograms(_ gateway: ChildProcess) throws {
        let section = try document.section("Other programs of the host")
        try shell.write(section.blocks[1], to: "mysql-certificate")
        try directory.makeExecutable("mysql-certificate")
        try shell.run("mkdir tls")
        let web = "\n  foobar.com: { names: [foobar.com, www.foobar.com], issuer: internal }\n"
        try certificates(section.blocks[0] + web)
        for command in ["certs issue NAME", "certs deploy NAME"] {
            try shell.run(command.replacing("NAME", with: "db.foobar.com"), as: command)
        }
        for file in ["chain.pem", "key.pem"] {
            #expect(FileManager.default.fileExists(atPath: directory.path("tls/\(file)")))
        }
        gateway.send(SIGTERM)
        try gateway.wait()
        // With no variable to name the site file.
        let command = "gatehouse serve --site site.yaml"
        let again = try shell.start("unset GATEHOUSE_SITE; " + command, as: command)
        again.send(SIGTERM)
        try again.wait()
    }

    private func shownIssuer() throws -> String {
        try run(
            "sh",
            [
                "-c",
                "openssl s_client -connect 127.0.0.1:\(secure) -servername foobar.com </dev/null 2>/dev/null"
                    + " | openssl x509 -noout -issuer",
            ],
            in: directory
        ).output
    }
}

/// What a person types, in a folder of the test's.
private final class Shell {
    private let directory: TemporaryDirectory
    private let translate: (String) -> String
    var exports: [String] = []
    /// Commands as the document has them.
    private(set) var tried: [String] = []

    init(_ directory: TemporaryDirectory, _ translate: @escaping (String) -> String) {
        self.directory = directory
        self.translate = translate
    }

    func write(_ text: String, to name: String) throws { try directory.write(translate(text), to: name) }

    /// Runs a command of the document; words in capitals have a meaning here.
    ///
    /// - Parameters:
    ///   - document: how it stands in the document.
    ///   - words: it is run again until it says this.
    @discardableResult
    func run(_ command: String, as document: String? = nil, until words: String? = nil) throws -> ToolResult {
        tried.append(document ?? command)
        var text = command.hasPrefix("certs ") ? "gatehouse " + command : command
        for (placeholder, meaning) in [
            ("[NAME...]", "NAME"), ("NAME...", "NAME"), ("[NAME]", "NAME"),
            ("[--root-key FILE] [--revoke REASON]", "--root-key FILE --revoke superseded"),
            ("NAME", "foobar.com"),
            ("TEXT", "'a test of the document'"), ("VALUE", "value"),
        ] { text = text.replacing(placeholder, with: meaning) }
        var done = try execute(text)
        if let words {
            try eventually("\(text) says: \(words); it says \(done)", within: .seconds(120)) {
                if done.status == 0, done.output.contains(words) { return true }
                done = try execute(text)
                return false
            }
        }
        #expect(done.status == 0, "\(text): \(done)")
        return done
    }

    /// Starts a gateway, and waits until it serves. Parameters as of `run`.
    func start(_ command: String, as document: String) throws -> ChildProcess {
        tried.append(document)
        let process = try ChildProcess(
            "bash",
            ["-ec", script(command.replacing("gatehouse serve", with: "exec gatehouse serve"))],
            in: directory,
            name: directory.uniqueName("serve"),
            environment: try environment
        )
        try eventually("it serves: \(process.standardError)") {
            if let status = process.poll() { throw HarnessError("it ended with \(status): \(process.standardError)") }
            return process.standardError.contains("gatehouse: ready")
        }
        return process
    }

    private func execute(_ text: String) throws -> ToolResult {
        try IntegrationTests.run("bash", ["-ec", script(text)], in: directory, environment: try environment)
    }

    private func script(_ text: String) -> String {
        (["cd \(directory.root)"] + exports + [translate(text)]).joined(separator: "\n")
    }

    private var environment: [String: String] {
        get throws {
            let binary = try Gateway.binary
            let folder = binary[..<(binary.lastIndex(of: "/") ?? binary.startIndex)]
            let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
            return ["PATH": "\(folder):\(path)", "XDG_RUNTIME_DIR": directory.root]
        }
    }
}

/// The document, taken apart.
private struct CertificateDocument {
    struct Section {
        let title: String
        /// What stands between fences.
        var blocks: [String] = []
        /// Commands between backticks, and those of blocks.
        var commands: [String] = []

        /// The line of a client.
        var client: String? {
            blocks.flatMap { $0.split(separator: "\n") }.first { $0.hasPrefix("curl ") }.map(String.init)
        }
    }

    private let sections: [Section]

    init() throws {
        let root = #filePath.split(separator: "/").dropLast(4).reduce("") { $0 + "/" + $1 }
        let text = try String(contentsOfFile: root + "/docs/certificates.md", encoding: .utf8)
        var sections: [Section] = []
        var isBlock = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
            if line.hasPrefix("```") {
                isBlock.toggle()
                if isBlock { sections[sections.count - 1].blocks.append("") }
                continue
            }
            if !isBlock, line.hasPrefix("#") {
                sections.append(Section(title: String(line.drop { $0 == "#" || $0 == " " })))
            } else if isBlock {
                let last = sections[sections.count - 1].blocks.count - 1
                sections[sections.count - 1].blocks[last] += line + "\n"
                if Self.isCommand(line) { sections[sections.count - 1].commands.append(line) }
            } else {
                let parts = line.split(separator: "`", omittingEmptySubsequences: false).map(String.init)
                for (index, part) in parts.enumerated() where index % 2 == 1 && Self.isCommand(part) {
                    sections[sections.count - 1].commands.append(part)
                }
            }
        }
        self.sections = sections
    }

    private static func isCommand(_ text: String) -> Bool { text.hasPrefix("gatehouse ") || text.hasPrefix("certs ") }

    /// All, each once.
    var commands: Set<String> { Set(sections.flatMap(\.commands)) }

    func section(_ title: String) throws -> Section {
        try #require(sections.first { $0.title == title }, "the document has no section \(title) any more")
    }
}
