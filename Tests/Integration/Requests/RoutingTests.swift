import Foundation
import Testing

/// Which pool a request goes to, by Host and path, and what is said to those that none wants.
@Suite("Routing", .patient)
struct RoutingTests {
    private func get(_ port: UInt16, _ host: String, _ path: String) throws -> Message {
        try HTTPConnection(port: port).exchange("GET \(path) HTTP/1.1\r\nHost: \(host)\r\n\r\n")
    }

    @Test("TRACE, which would show what the gateway adds, reaches no server; methods of others do")
    func trace() throws {
        let app = try ScriptedServer.named("app")
        let gateway = try Gateway(app)
        let client = try gateway.connect()
        let refused = try client.exchange("TRACE / HTTP/1.1\r\n\(Refusal.host)\r\n")
        #expect(refused.status == 405)
        #expect(refused["allow"]?.contains("GET") == true)
        #expect(try client.exchange("PROPFIND / HTTP/1.1\r\n\(Refusal.host)\r\n").text == "app")
        #expect(app.requests.map(\.startLine) == ["PROPFIND / HTTP/1.1"])
    }

    @Test("exact before wildcard before any, then the longest path of whole segments")
    func mostSpecific() throws {
        let apps = try ["any", "wild", "exact", "api", "deep"].map { try ScriptedServer.named($0) }
        let port = try Ports.free()
        var site = SiteFile(http: port, servers: [])
        site.pools = [:]
        for (name, app) in zip(["any", "wild", "exact", "api", "deep"], apps) {
            site.pools[name] = .init(servers: [.init(app)])
        }
        site.routes = [
            "{ hosts: [\"*\"], pool: any }", "{ hosts: [\"*.foobar.test\"], pool: wild }",
            "{ hosts: [www.foobar.test], pool: exact }", "{ hosts: [www.foobar.test], path: /api, pool: api }",
            "{ hosts: [www.foobar.test], path: /api/deep, pool: deep }",
        ]
        let gateway = try Gateway(site, ports: [port])
        for (host, path, pool) in [
            ("other.test", "/", "any"), ("10.0.0.1", "/", "any"), ("[::1]:80", "/", "any"),
            ("a.foobar.test", "/", "wild"), ("www.foobar.test", "/", "exact"), ("WWW.FooBar.Test", "/", "exact"),
            ("www.foobar.test:8080", "/", "exact"), ("www.foobar.test.", "/", "exact"),
            ("WWW.foobar.test.:443", "/api", "api"), ("a.foobar.test.", "/", "wild"),
            ("a.b.foobar.test", "/", "any"), ("foobar.test", "/", "any"), ("www.foobar.test..", "/", "any"),
            ("[2001:DB8::1]", "/", "any"), ("[::ffff:10.0.0.1]:8080", "/", "any"), (".", "/", "any"),
            ("www.foobar.test", "/api", "api"), ("www.foobar.test", "/api/x", "api"),
            ("www.foobar.test", "/api?x", "api"), ("www.foobar.test", "/apis", "exact"),
            ("www.foobar.test", "/api/deep/x", "deep"), ("www.foobar.test", "/api/deeper", "api"),
            // Routing looks at the normalised path; nothing hides behind an escape or a dot segment.
            ("www.foobar.test", "/%61pi/x", "api"), ("www.foobar.test", "/x/../api/x", "api"),
            ("www.foobar.test", "/api/../x", "exact"), ("www.foobar.test", "/api/%2e%2e/x", "exact"),
            ("www.foobar.test", "/x", "exact"),
        ] {
            #expect(try get(port, host, path).text == pool, "\(host)\(path)")
        }
        #expect(gateway.process.poll() == nil)
    }

    @Test("a Host that no route names is a 404 with a page of the gateway's own")
    func unknownHost() throws {
        let app = try ScriptedServer.named("app")
        let gateway = try Gateway(app)
        let page = try gateway.get(host: "evil.test", fields: "Accept: text/html\r\n")
        #expect(page.status == 404)
        #expect(page["content-type"]?.hasPrefix("text/html") == true)
        let json = try gateway.get(host: "evil.test", fields: "Accept: application/json\r\n")
        #expect(json.status == 404)
        #expect(json["content-type"]?.hasPrefix("application/json") == true)
        let identifier = try #require(json["x-request-id"])
        #expect(json.text.contains(identifier))
        #expect(app.connectionCount == 0)
    }

    @Test(
        "a Host other than the one that TLS was made for is a 421, one of the same certificate is served, none is a 404"
    )
    func misdirected() throws {
        let app = try ScriptedServer.named("app")
        let front = try SecureGateway(
            [.init(app)],
            names: [["foobar.test", "www.foobar.test", "spare.foobar.test"], ["other.test"]],
            routes: [
                "{ hosts: [foobar.test, www.foobar.test], path: /, pool: web }",
                "{ hosts: [other.test], path: /only, pool: web }",
            ]
        )
        func status(_ name: String, _ host: String, _ path: String = "/") throws -> String {
            let request = "GET \(path) HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n\r\n"
            let session = try TLSSession(
                port: front.secure,
                name: name,
                ["-quiet"],
                request: request,
                in: front.directory
            )
            return session.text.components(separatedBy: "HTTP/1.1 ").last.map { String($0.prefix(3)) } ?? ""
        }
        for (name, host, path, expected) in [
            ("foobar.test", "foobar.test", "/", "200"), ("foobar.test", "FOOBAR.test.:443", "/", "200"),
            ("foobar.test", "www.foobar.test", "/", "200"), ("www.foobar.test", "foobar.test", "/", "200"),
            ("foobar.test", "other.test", "/only", "421"), ("foobar.test", "other.test", "/", "421"),
            ("other.test", "foobar.test", "/", "421"), ("foobar.test", "evil.test", "/", "421"),
            ("foobar.test", "127.0.0.1", "/", "421"), ("spare.foobar.test", "spare.foobar.test", "/", "404"),
            ("other.test", "other.test", "/elsewhere", "404"),
        ] {
            #expect(try status(name, host, path) == expected, "\(name) \(host)\(path)")
        }
        let outcomes = Set(front.gateway.accessLog.compactMap { $0["outcome"] as? String })
        #expect(outcomes == ["completed", "misdirected", "no-route"])
    }

    @Test("what one certificate covers is the listener's matter; a port may have several", arguments: [true, false])
    func misdirectedByListener(isSharedFirst: Bool) throws {
        let app = try ScriptedServer.named("app")
        let directory = try TemporaryDirectory()
        let (plain, port) = (try Ports.free(), try Ports.free())
        let shared = try TestCertificate("shared", names: ["foobar.test", "www.foobar.test"], in: directory)
        let single = try TestCertificate("single", names: ["foobar.test"], in: directory)
        let other = try TestCertificate("other", names: ["www.foobar.test"], in: directory)
        var site = SiteFile(http: plain, servers: [.init(app)])
        site.certificates = [shared, single, other]
        site.routes = ["{ hosts: [foobar.test, www.foobar.test], pool: web }"]
        var listeners = [
            "{ port: \(port), address: [127.0.0.1], tls: { certificates: [shared] } }",
            "{ port: \(port), address: [127.0.0.2], tls: { certificates: [single, other] } }",
        ]
        if !isSharedFirst { listeners.reverse() }
        site.listeners += listeners
        let gateway = try Gateway(site, ports: [plain, port], in: directory)
        let request = "GET / HTTP/1.1\r\nHost: www.foobar.test\r\nConnection: close\r\n\r\n"
        for (address, status) in [("127.0.0.1", "200"), ("127.0.0.2", "421")] {
            let session = try TLSSession(
                address: address,
                port: port,
                ["-quiet"],
                request: request,
                in: directory
            )
            #expect(session.text.contains("HTTP/1.1 \(status)"), "\(address): \(session.text)")
        }
        #expect(gateway.process.poll() == nil)
    }

    @Test("a listener that redirects sends a 308 with the same target, and asks no app server")
    func redirect() throws {
        let app = try ScriptedServer.named("app")
        let (plain, other) = (try Ports.free(), try Ports.free())
        var site = SiteFile(http: plain, servers: [.init(app)])
        site.listeners = [
            SiteFile.plain(plain, "redirect: https"), SiteFile.plain(other, "redirect: { to: https, port: 8443 }"),
        ]
        let gateway = try Gateway(site, ports: [plain, other])
        let first = try get(plain, "foobar.test:8080", "/a/%2e?b=c")
        #expect(first.status == 308)
        #expect(first["location"] == "https://foobar.test/a/%2e?b=c")
        #expect(try get(other, "foobar.test", "/a")["location"] == "https://foobar.test:8443/a")
        let post = try HTTPConnection(port: plain).exchange(
            "POST / HTTP/1.1\r\n\(Refusal.host)Content-Length: 3\r\n\r\nabc"
        )
        #expect(post.status == 308)
        #expect(app.connectionCount == 0)
        #expect(gateway.process.poll() == nil)
    }

    @Test("a listener that redirects sends nobody to a host that is not served, and has nowhere to send OPTIONS * to")
    func noRedirect() throws {
        let app = try ScriptedServer.named("app")
        let port = try Ports.free()
        var site = SiteFile(http: port, servers: [.init(app)])
        site.listeners = [SiteFile.plain(port, "redirect: https")]
        site.routes = ["{ hosts: [foobar.test, \"*.foobar.test\"], path: /only, pool: web }"]
        let gateway = try Gateway(site, ports: [port])
        for (host, status) in [
            ("foobar.test", 308), ("a.foobar.test", 308), ("FOOBAR.test.:80", 308), ("evil.test", 404),
            ("a.b.foobar.test", 404), ("127.0.0.1", 404), ("foobar.test.evil.test", 404),
        ] {
            let answer = try get(port, host, "/")
            #expect(answer.status == status, "\(host)")
            #expect((answer["location"] != nil) == (status == 308), "\(host)")
        }
        for (host, status) in [("foobar.test", 200), ("evil.test", 404)] {
            let options = try HTTPConnection(port: port).exchange("OPTIONS * HTTP/1.1\r\nHost: \(host)\r\n\r\n")
            #expect(options.status == status)
            #expect(options["location"] == nil)
            if status == 200 { #expect(options["content-length"] == "0") }
        }
        let resource = try HTTPConnection(port: port).exchange("OPTIONS /a HTTP/1.1\r\n\(Refusal.host)\r\n")
        #expect(resource["location"] == "https://foobar.test/a")
        #expect(app.connectionCount == 0)
        #expect(gateway.process.poll() == nil)
    }

    @Test("security headers stand on answers that have no route, too; HSTS is a route's")
    func ownAnswers() throws {
        let app = try ScriptedServer.named("app")
        let front = try SecureGateway(
            [.init(app)],
            routes: ["{ hosts: [foobar.test], path: /only, pool: web }"],
            gateway: ["headers: { security: basic, hsts: { max-age: 1d } }"]
        )
        for (path, host, status, hsts) in [
            ("/only", "foobar.test", 200, true), ("/", "foobar.test", 404, false), ("/", "evil.test", 421, false),
            ("/", "a b", 400, false),
        ] {
            let answer = try front.curl("--http1.1", "--include", "--header", "Host: \(host)", path: path).output
            #expect(answer.hasPrefix("HTTP/1.1 \(status)"), "\(answer)")
            #expect(answer.contains("x-content-type-options: nosniff\r\n"), "\(answer)")
            #expect(answer.components(separatedBy: "\r\ndate: ").count == 2, "\(answer)")
            #expect(answer.contains("strict-transport-security: max-age=86400\r\n") == hsts, "\(answer)")
        }
    }

    @Test("security headers and HSTS, by a word; HSTS not over plain HTTP")
    func securityHeaders() throws {
        let app = try ScriptedServer.named("app")
        let response = try Gateway(app, gateway: ["headers: { security: basic, hsts: { max-age: 1d } }"]).get()
        #expect(response["x-content-type-options"] == "nosniff")
        #expect(response.values("strict-transport-security") == [])
    }
}
