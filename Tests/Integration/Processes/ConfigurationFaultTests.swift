import Foundation
import Testing

/// Keys that do not fit, certificates that are expired, missing or none, ports taken, files unreadable: at start and
/// at reload an error that says what to do, and the running configuration goes on.
@Suite("Faults of a configuration", .patient)
struct ConfigurationFaultTests {
    /// A sound site in a directory: TLS with a certificate in files. A fault spoils it.
    private final class Scene {
        let directory: TemporaryDirectory
        let certificate: TestCertificate
        let other: TestCertificate
        let port: UInt16
        let metrics: UInt16
        let app: ScriptedServer
        var site: SiteFile
        var text: String

        init() throws {
            directory = try TemporaryDirectory()
            certificate = try TestCertificate("foobar", names: ["foobar.test"], in: directory)
            other = try TestCertificate("other", names: ["foobar.test"], in: directory)
            port = try Ports.free()
            metrics = try Ports.free()
            app = try ScriptedServer.named("app")
            site = SiteFile(http: port, servers: [.init(app)], gateway: ["metrics: { port: \(metrics) }"])
            site.listeners = [SiteFile.secure(port, [certificate])]
            site.certificates = [certificate]
            text = site.text
        }

        func replace(_ old: String, _ new: String) throws {
            try #require(text.contains(old), "\(old) is not in the site file")
            text = text.replacing(old, with: new)
        }

        /// Has the site file name another file, which has these contents, for its certificate.
        func certify(_ contents: [UInt8], as name: String) throws {
            try directory.write(contents, to: name)
            try replace(certificate.certificatePath, directory.path(name))
        }

        /// The same for its key.
        func lock(_ contents: [UInt8], as name: String, mode: Int = 0o600) throws {
            try directory.write(contents, to: name)
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: directory.path(name))
            try replace(certificate.keyPath, directory.path(name))
        }

        func key() throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: certificate.keyPath))) }

        func openssl(_ arguments: String...) throws {
            let result = try run("openssl", arguments, in: directory)
            try #require(result.status == 0, "\(result.error)")
        }

        /// A certificate of the sound key, from one day to another, as in `20200101000000Z`.
        func certify(from first: String, to last: String, extensions: String = "subjectAltName=DNS:foobar.test") throws
        {
            try directory.write(
                """
                [ca]
                default_ca = one
                [one]
                database = \(directory.path("index"))
                serial = \(directory.path("serial"))
                new_certs_dir = \(directory.root)
                default_md = sha256
                policy = any
                [any]
                commonName = supplied
                [extensions]
                \(extensions)

                """,
                to: "ca.conf"
            )
            try directory.write("", to: "index")
            try directory.write("01\n", to: "serial")
            let (request, made) = (directory.path("request"), directory.path("dated.crt"))
            try openssl("req", "-new", "-key", certificate.keyPath, "-subj", "/CN=foobar.test", "-out", request)
            try openssl(
                "ca",
                "-batch",
                "-notext",
                "-config",
                directory.path("ca.conf"),
                "-selfsign",
                "-keyfile",
                certificate.keyPath,
                "-in",
                request,
                "-extensions",
                "extensions",
                "-startdate",
                first,
                "-enddate",
                last,
                "-out",
                made
            )
            try replace(certificate.certificatePath, made)
        }
    }

    private struct Fault: Sendable {
        let name: String
        /// What the command ends with.
        var status: Int32 = 2
        /// The text of the site file at which the error points.
        var points: String?
        /// What `gatehouse check` ends with: the same, but where it cannot know, since it may be run elsewhere.
        var checked: Int32?
        /// Whether a start goes on all the same: a clock that may be wrong keeps nobody from being served.
        var isOfClock = false
        /// Words of the error: where, what, and what to do.
        let says: [String]
        let spoil: @Sendable (Scene) throws -> Void
    }

    private static let faults: [Fault] = [
        Fault(
            name: "a key of another certificate",
            status: 1,
            says: ["certificate foobar", "other-", "does not belong"]
        ) {
            try $0.replace($0.certificate.keyPath, $0.other.keyPath)
        },
        Fault(
            name: "a key that others may read",
            status: 1,
            says: ["open.key: mode 644", "`chmod 640 /", "open.key`"]
        ) {
            try $0.lock($0.key(), as: "open.key", mode: 0o644)
        },
        Fault(name: "no such key", status: 1, checked: 0, says: ["none.key: No such file", "correct the path"]) {
            try $0.replace($0.certificate.keyPath, $0.directory.path("none.key"))
        },
        Fault(name: "a key that is none", status: 1, says: ["no.key: there is no private key", "BEGIN PRIVATE KEY"]) {
            try $0.lock(Array("garbage\n".utf8), as: "no.key")
        },
        Fault(name: "a key with a passphrase", status: 1, says: ["locked.key", "passphrase", "openssl pkey"]) {
            let path = $0.directory.path("locked")
            try $0.openssl("pkey", "-in", $0.certificate.keyPath, "-aes128", "-passout", "pass:x", "-out", path)
            try $0.lock($0.directory.contents(of: "locked"), as: "locked.key")
        },
        Fault(
            name: "no such certificate",
            status: 1,
            checked: 0,
            says: ["none.crt: No such file", "correct the path"]
        ) {
            try $0.replace($0.certificate.certificatePath, $0.directory.path("none.crt"))
        },
        Fault(name: "a folder for a certificate", status: 1, says: ["not a regular file"]) {
            try $0.replace($0.certificate.certificatePath, "/tmp")
        },
        Fault(
            name: "an empty certificate",
            status: 1,
            says: ["empty.crt: there is no certificate", "BEGIN CERTIFICATE"]
        ) {
            try $0.certify([], as: "empty.crt")
        },
        Fault(name: "a certificate of random bytes", status: 1, says: ["binary.crt: there is no certificate"]) {
            try $0.certify((0..<4096).map { _ in UInt8.random(in: 0...255) }, as: "binary.crt")
        },
        Fault(name: "half a certificate", status: 1, says: ["half.crt"]) {
            let whole = try Data(contentsOf: URL(fileURLWithPath: $0.certificate.certificatePath))
            try $0.certify(Array(whole.prefix(whole.count / 2)), as: "half.crt")
        },
        Fault(
            name: "an expired certificate",
            status: 1,
            isOfClock: true,
            says: ["dated.crt", "expired at 2021-01-01T00:00:00Z", "renew it"]
        ) {
            try $0.certify(from: "20200101000000Z", to: "20210101000000Z")
        },
        Fault(
            name: "a certificate of the future",
            status: 1,
            isOfClock: true,
            says: ["dated.crt", "not valid before 2090-01-01", "clock"]
        ) {
            try $0.certify(from: "20900101000000Z", to: "20910101000000Z")
        },
        Fault(name: "a certificate without names", status: 1, says: ["dated.crt", "names no host", "subjectAltName"]) {
            try $0.certify(from: "20200101000000Z", to: "20900101000000Z", extensions: "basicConstraints=CA:FALSE")
        },
        Fault(
            name: "no authority for clients' certificates",
            points: "none.ca",
            says: ["client-certificates", "none.ca: No such file", "put it there"]
        ) {
            try $0.replace("certificates: [foobar]", "certificates: [foobar], client-certificates: { ca: none.ca }")
        },
        Fault(name: "an authority that is none", points: "/etc/passwd", says: ["there is no certificate", "as PEM"]) {
            try $0.replace("certificates: [foobar]", "certificates: [foobar], client-certificates: { ca: /etc/passwd }")
        },
        Fault(name: "a group that there is none of", points: "X25591", says: ["does not know", "did you mean"]) {
            try $0.replace("certificates: [foobar]", "certificates: [foobar], groups: [P-256, X25591]")
        },
        Fault(name: "a port that is taken", status: 3, checked: 0, says: ["in use", "ss -ltnp"]) { scene in
            try scene.replace("routes:", "  - { port: \(scene.app.port), address: [127.0.0.1] }\n  routes:")
        },
        Fault(
            name: "an address of another machine",
            status: 3,
            checked: 0,
            says: ["192.0.2.1", "no interface", "site file"]
        ) {
            try $0.replace("routes:", "  - { port: \($0.app.port), address: [192.0.2.1] }\n  routes:")
        },
        Fault(
            name: "a port for metrics that is taken",
            status: 3,
            checked: 0,
            says: ["gateway.metrics", "in use", "ss -ltnp"]
        ) {
            try $0.replace("metrics: { port: \($0.metrics) }", "metrics: { port: \($0.app.port) }")
        },
        Fault(
            name: "a log without a folder",
            points: "{ path: /nonexistent/log }",
            says: ["gateway.access-log", "/nonexistent/log", "make its folder"]
        ) {
            try $0.replace("routes:", "access-log: { path: /nonexistent/log }\n  routes:")
        },
        Fault(name: "a word that there is none of", says: ["site.yaml:", "webb", "web"]) {
            try $0.replace("pool: web ", "pool: webb ")
        },
    ]

    @Test("at start each is an error that says where and what to do, and `check` ends as `serve` does")
    func atStart() throws {
        for fault in Self.faults {
            let scene = try Scene()
            try fault.spoil(scene)
            try scene.directory.write(scene.text, to: "site.yaml")
            if !fault.isOfClock {
                let arguments = [
                    "serve", "--site", scene.directory.path("site.yaml"), "--host", "front", "--socket",
                    scene.directory.path("admin.sock"),
                ]
                check(try run(try Gateway.binary, arguments, in: scene.directory), fault, in: scene)
            }
            let site = ["check", "--site", scene.directory.path("site.yaml")]
            let checked = try run(try Gateway.binary, site, in: scene.directory)
            if let status = fault.checked {
                #expect(checked.status == status, "\(fault.name): \(checked)")
            } else {
                check(checked, fault, in: scene)
            }
        }
    }

    @Test("at reload too, and what ran goes on")
    func atReload() throws {
        let scene = try Scene()
        let gateway = try Gateway(scene.site, ports: [scene.port, scene.metrics], in: scene.directory)
        let sound = scene.text
        func answer() throws -> String {
            try TLSSession(port: scene.port, in: scene.directory).result.output
        }
        for fault in Self.faults {
            scene.text = sound
            try fault.spoil(scene)
            try scene.directory.write(scene.text, to: "site.yaml")
            check(try gateway.command("reload"), fault, in: scene)
            #expect(try answer().contains("HTTP/1.1 200 OK"), "after \(fault.name)")
        }
        try scene.directory.write(sound, to: "site.yaml")
        #expect(try gateway.command("reload").status == 0)
        #expect(try answer().contains("HTTP/1.1 200 OK"))
    }

    private func check(_ result: ToolResult, _ fault: Fault, in scene: Scene) {
        if let points = fault.points {
            #expect(scene.text.contains(points), "\(fault.name)")
            let lines = scene.text.split(separator: "\n", omittingEmptySubsequences: false)
            for (index, line) in lines.enumerated() {
                guard let start = line.range(of: points)?.lowerBound else { continue }
                let column = line.distance(from: line.startIndex, to: start) + 1
                let place = "site.yaml:\(index + 1):\(column): error: "
                #expect(result.error.contains(place), "\(fault.name): no \(place) in \(result.error)")
                #expect(result.error.contains(" = help: "), "\(fault.name): \(result.error)")
            }
        }
        #expect(result.status == fault.status, "\(fault.name): \(result)")
        for words in fault.says {
            #expect(result.error.contains(words), "\(fault.name): no \(words) in \(result.error)")
        }
        #expect(!result.error.contains("PRIVATE KEY-----\nM"), "\(fault.name): a key is shown")
    }

    @Test("without privileges: a port that needs them, and files that are somebody else's")
    func unprivileged() throws {
        let scene = try Scene()
        let binary = try Gateway.binary
        guard try Unprivileged.canRun(binary, in: scene.directory) else {
            return print("not tried: an unprivileged user cannot execute \(binary)")
        }
        let low = try #require((1..<1024).reversed().first { port in (try? Socket.connect(to: UInt16(port))) == nil })
        func spoilt(_ spoil: (Scene) throws -> Void) throws -> String {
            scene.text = scene.site.text
            try spoil(scene)
            return scene.text
        }
        let sockets = ["--socket", scene.directory.path("admin.sock")]
        let serve = [binary, "serve", "--site", scene.directory.path("site.yaml"), "--host", "front"] + sockets
        let faults: [(text: String, status: Int32, says: [String])] = [
            (
                try spoilt { try $0.replace("routes:", "  - { port: \(low), address: [127.0.0.1] }\n  routes:") },
                3, ["127.0.0.1:\(low)", "CAP_NET_BIND_SERVICE", "higher port"]
            ),
            (
                try spoilt { try $0.lock($0.key(), as: "foreign.key", mode: 0) },
                3, ["foreign.key: Permission denied", "chown", "another user"]
            ),
            (
                try spoilt {
                    try $0.replace("routes:", "access-log: { path: /etc/gatehouse-denied.log }\n  routes:")
                },
                2, ["site.yaml:", "error: gateway.access-log", "denied.log: Permission denied", "chown"]
            ),
        ]
        try Unprivileged.own(scene.directory)
        if Unprivileged.isAnother {
            _ = try run("chown", ["root", scene.directory.path("foreign.key")], in: scene.directory)
        }
        func write(_ text: String) throws {
            let site = URL(fileURLWithPath: scene.directory.path("site.yaml"))
            try Data(text.replacing("  user: nobody\n", with: "").utf8).write(to: site)
        }
        func check(_ result: ToolResult, _ fault: (text: String, status: Int32, says: [String])) {
            #expect(result.status == fault.status, "\(result)")
            for words in fault.says { #expect(result.error.contains(words), "no \(words) in \(result.error)") }
        }
        for fault in faults {
            try write(fault.text)
            check(try Unprivileged.tool(serve, in: scene.directory), fault)
        }
        // Whoever only checks may be another user than the one who serves.
        let site = ["check", "--site", scene.directory.path("site.yaml")]
        let checked = try Unprivileged.tool([binary] + site, in: scene.directory)
        #expect(checked.status == 0 && checked.error.contains("warning: gateway.access-log"), "\(checked)")
        try write(scene.site.text)
        let all = Unprivileged.prefix + serve
        let running = try ChildProcess(all[0], Array(all.dropFirst()), in: scene.directory, name: "gatehouse")
        try eventually("it serves: \(running.standardError)") { running.standardError.contains("gatehouse: ready") }
        for fault in faults {
            try write(fault.text)
            check(try Unprivileged.tool([binary, "reload"] + sockets, in: scene.directory), fault)
            let session = try TLSSession(port: scene.port, in: scene.directory)
            #expect(session.result.output.contains("HTTP/1.1 200 OK"), "\(session.text)")
        }
        #expect(running.poll() == nil)
    }
}
