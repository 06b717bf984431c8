import Foundation
import Testing

/// What keeps a gateway from starting, and what a reload refuses: errors that say what to do.
@Suite("Start", .patient)
struct StartTests {
    @Test("a port that another gateway of the same user listens on is an error, at start and at reload")
    func portShared() throws {
        let app = try ScriptedServer.named("app")
        let first = try Gateway(app)
        let refused = try serve(SiteFile(http: first.port, servers: [.init(app)]))
        #expect(refused.status == 3)
        #expect(refused.error.contains("cannot listen on 127.0.0.1:\(first.port)"), "\(refused.error)")
        #expect(refused.error.contains("ss -ltnp"), "\(refused.error)")

        let second = try Gateway(app)
        var site = second.site
        site.listeners.append(SiteFile.plain(first.port))
        try second.directory.write(site.text, to: "site.yaml")
        let reload = try second.command("reload")
        #expect(reload.status == 3 && reload.error.contains(":\(first.port)"), "\(reload)")
        #expect(try second.get().text == "app")
        #expect(try first.get().text == "app")
    }

    @Test("so is such a port for metrics, and what holds it keeps all of its connections")
    func metricsPortShared() throws {
        let app = try ScriptedServer.named("app")
        let first = try Gateway(app)
        let setting = "metrics: { port: \(first.port) }"
        func check(_ refused: ToolResult) throws {
            #expect(refused.status == 3, "\(refused)")
            let problem = "gateway.metrics: cannot listen on 127.0.0.1:\(first.port): the address is in use"
            #expect(refused.error.contains(problem), "\(refused.error)")
            for _ in 0..<8 { #expect(try first.get().text == "app") }
        }
        try check(try serve(SiteFile(http: try Ports.free(), servers: [.init(app)], gateway: [setting])))

        let metrics = try Metrics()
        let second = try Gateway(app, gateway: [metrics.setting])
        var site = second.site
        site.gateway = [setting]
        try second.directory.write(site.text, to: "site.yaml")
        try check(try second.command("reload"))
        #expect(try second.get().text == "app")
        #expect(try metrics.value("gatehouse_plan_generation") == 1)
    }

    @Test("a second gateway on the same admin socket is refused, and the first goes on")
    func secondGateway() throws {
        let app = try ScriptedServer.named("app")
        let gateway = try Gateway(app)
        let site = SiteFile(http: try Ports.free(), servers: [.init(app)])
        let refused = try serve(site, socket: gateway.directory.path("admin.sock"))
        #expect(refused.status == 2 && refused.error.contains("another gateway answers"), "\(refused)")
        #expect(try gateway.command("status").status == 0)
    }

    @Test("what is no socket is not replaced by one", arguments: ["", ".data-plane"])
    func otherFile(suffix: String) throws {
        let directory = try TemporaryDirectory()
        let path = directory.path("site.yaml.bak")
        try directory.write("keep me", to: "site.yaml.bak\(suffix)")
        let refused = try serve(SiteFile(http: try Ports.free(), servers: [.init(port: 9)]), socket: path)
        #expect(refused.status == 3, "\(refused)")
        #expect(refused.error.contains("\(path)\(suffix): what is there is no socket"), "\(refused)")
        #expect(try String(contentsOfFile: path + suffix, encoding: .utf8) == "keep me")
    }

    @Test("a site that gets another name keeps its admin socket, over an upgrade too, and a warning says where it is")
    func anotherName() throws {
        let directory = try TemporaryDirectory()
        let name = "name-\(UInt32.random(in: 0 ... .max))"
        let port = try Ports.free()
        let site = SiteFile(http: port, servers: [.init(port: 9)]).text
        func write(_ name: String) throws {
            try directory.write(site.replacing("site: foobar.test", with: "site: \(name).test"), to: "site.yaml")
        }
        try write(name)
        let process = try ChildProcess(
            try Gateway.binary,
            ["serve", "--site", directory.path("site.yaml"), "--host", "front", "--workers", "1"],
            in: directory,
            name: "gatehouse",
            environment: ["XDG_RUNTIME_DIR": directory.root]
        )
        try eventually("it is ready") { process.standardError.contains("gatehouse: ready") }
        let folder = geteuid() == 0 ? "/run" : directory.root
        let socket = "\(folder)/gatehouse/\(name).test.sock"
        try write("another-\(name)")
        for command in ["reload", "reload", "upgrade", "reload"] {
            let answer = try run(try Gateway.binary, [command, "--socket", socket], in: directory)
            #expect(answer.status == 0, "\(command): \(answer)")
            #expect((answer.output + answer.error).contains("--socket \(socket)"), "\(command): \(answer)")
        }
        process.send(SIGTERM)
        #expect(try process.wait() == 0)
    }

    @Test("a key that others may read by now is refused at reload, and serving goes on")
    func openKey() throws {
        let front = try SecureGateway([.init(ScriptedServer.named("app"))], tls: "unknown-name: default")
        let key = try #require(front.gateway.site.certificates.first).keyPath
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: key)
        let reload = try front.gateway.command("reload")
        #expect(reload.status == 1 && reload.error.contains("chmod 640"), "\(reload)")
        #expect(try front.curl().output == "app")
    }

    @Test("a certificate whose key does not fit is refused at reload, and the one before is served on")
    func misfitAtReload() throws {
        let front = try SecureGateway([.init(ScriptedServer.named("app"))], tls: "unknown-name: default")
        let other = try TestCertificate("misfit", names: ["foobar.test"], in: front.directory)
        let certificate = try #require(front.gateway.site.certificates.first)
        _ = try run("cp", [other.keyPath, certificate.keyPath], in: front.directory)
        let reload = try front.gateway.command("reload")
        #expect(reload.status == 1 && reload.error.contains("foobar"), "\(reload)")
        #expect(try front.curl().output == "app")
    }

    @Test("more connections than there are descriptors for are a warning with figures")
    func descriptors() throws {
        let port = try Ports.free()
        let site = SiteFile(
            http: port,
            servers: [.init(port: try Ports.free())],
            gateway: ["limits: { connections: 10000000 }"]
        )
        let gateway = try Gateway(site, ports: [port])
        #expect(gateway.log.contains("10000000 connections need 20000"), "\(gateway.log)")
    }

    @Test("wrong usage ends with 2, and the version can be asked for")
    func usage() throws {
        let directory = try TemporaryDirectory()
        for arguments in [
            ["serv"], ["serve", "--bogus"], ["serve", "--workers", "0"], ["server", "weight", "a/b", "x"],
        ] {
            let result = try run(try Gateway.binary, arguments, in: directory)
            #expect(result.status == 2 && !result.error.isEmpty, "\(arguments): \(result)")
        }
        let version = try run(try Gateway.binary, ["--version"], in: directory)
        #expect(version.status == 0 && version.output.hasPrefix("gatehouse "), "\(version)")
        let missing = try run(try Gateway.binary, ["reload", "--socket", directory.path("none")], in: directory)
        #expect(missing.status == 3 && missing.error.contains("no gateway answers"), "\(missing)")
    }

    @Test("a host that is no gateway of the site is refused with those that are")
    func host() throws {
        let directory = try TemporaryDirectory()
        try directory.write(SiteFile(http: try Ports.free(), servers: [.init(port: 9)]).text, to: "site.yaml")
        let result = try run(
            try Gateway.binary,
            ["serve", "--site", directory.path("site.yaml"), "--host", "back", "--socket", directory.path("a.sock")],
            in: directory
        )
        #expect(result.status == 2 && result.error.contains("front"), "\(result)")
    }

    private func serve(_ site: SiteFile, socket: String? = nil) throws -> ToolResult {
        let directory = try TemporaryDirectory()
        try directory.write(site.text, to: "site.yaml")
        return try run(
            try Gateway.binary,
            [
                "serve", "--site", directory.path("site.yaml"), "--host", "front", "--socket",
                socket ?? directory.path("admin.sock"),
            ],
            in: directory
        )
    }
}
