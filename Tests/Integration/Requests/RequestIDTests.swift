import Testing

/// The one name that a request has in the app server, the log, and the gateway's own answers.
@Suite("Request ids", .patient)
struct RequestIDTests {
    private static let trusting = ["trusted-proxies: [127.0.0.0/8]"]

    private func isMade(_ id: String?) -> Bool {
        guard let id else { return false }
        return id.utf8.count == 32 && id.allSatisfy { $0.isHexDigit && !$0.isUppercase }
    }

    /// The ids of the access log once it has this many lines; a line that is no JSON is none.
    private func logged(_ gateway: Gateway, _ count: Int) throws -> [String] {
        try eventually("the log has \(count) lines") {
            gateway.process.standardOutput.split(separator: "\n").count >= count
        }
        return gateway.accessLog.compactMap { $0["request_id"] as? String }
    }

    @Test("of a trusted proxy that logs and pages cannot show as they are, or that are not one, are replaced")
    func unfit() throws {
        let app = try ScriptedServer.named("app")
        let gateway = try Gateway(app, gateway: Self.trusting, workers: 1)
        let long = String(repeating: "a", count: 129)
        let unfit = [
            "X-Request-Id: a\",\"status\":200,\"evil\":\"<script>\r\n", "X-Request-Id: <b>\r\n",
            "X-Request-Id: a b\r\n", "X-Request-Id: a\\u0022\r\n", "X-Request-Id: \u{e9}\r\n", "X-Request-Id: \r\n",
            "X-Request-Id: a&b\r\n",
            "X-Request-Id: a'b\r\n", "X-Request-Id: a,b\r\n", "X-Request-Id: \(long)\r\n",
            "X-Request-Id: \(String(repeating: "a", count: 5000))\r\n", "X-Request-Id: a\r\nX-Request-Id: b\r\n",
            "X-Request-Id: a\r\nx-request-id: a\r\n", "X-Request-Id: a\r\nX-Request-Id: <b>\r\n",
        ]
        var seen: [String] = []
        for fields in unfit {
            for host in ["foobar.test", "other.test"] {
                let answer = try gateway.get(host: host, fields: "Accept: text/html\r\n\(fields)")
                #expect(answer.status == (host == "foobar.test" ? 200 : 404))
                let ids =
                    host == "foobar.test"
                    ? try #require(app.requests.last).values("x-request-id") : answer.values("x-request-id")
                #expect(ids.count == 1 && isMade(ids.first), "\(fields.prefix(60)): \(ids)")
                #expect(!answer.text.contains("<script>") && !answer.text.contains("<b>"))
                seen += ids
            }
        }
        #expect(Set(seen).count == unfit.count * 2, "an id is used twice")
        #expect(try logged(gateway, seen.count) == seen)
    }

    @Test("of a trusted proxy stand in all that the gateway says of the request: own answers, pages and the log")
    func kept() throws {
        let app = try ScriptedServer.named("app")
        let port = try Ports.free()
        var site = SiteFile(http: port, servers: [.init(app)], gateway: Self.trusting)
        site.pools["dead"] = .init(servers: [.init(port: try Ports.free())], options: ["ejection: off"])
        site.routes.append("{ hosts: [foobar.test], path: /dead, pool: dead }")
        let gateway = try Gateway(site, ports: [port], workers: 1)
        let widest = "AZaz09._~:@/+=-" + String(repeating: "x", count: 113)
        let cases = [("foobar.test", "/", 200), ("foobar.test", "/dead", 502), ("other.test", "/", 404)]
        for id in ["a", "01890a5d-ac96-774b-bcce-b302099a8057", "Root=1-67891233-abcdef012345678912345678", widest] {
            for (host, target, status) in cases {
                let fields = "Accept: application/json\r\nX-Request-Id: \(id)\r\n"
                let answer = try gateway.get(target, host: host, fields: fields)
                #expect(answer.status == status, "\(target)")
                if answer.status == 200 {
                    #expect(app.requests.last?.values("x-request-id") == [id])
                } else {
                    #expect(answer.values("x-request-id") == [id])
                    #expect(answer.text.contains("\"request_id\":\"\(id)\""), "\(answer.text)")
                }
            }
            let refused = try gateway.get(fields: "X-Request-Id: \(id)\r\nContent-Length: x\r\n")
            #expect(refused.status == 400)
            #expect(refused.values("x-request-id") == [id])
        }
        #expect(try logged(gateway, 16).count == 16)
        #expect(Set(try logged(gateway, 16)).count == 4)
    }

    @Test("of anybody else, and of all where the site says so, are made anew", arguments: [true, false])
    func made(isTrusted: Bool) throws {
        let app = try ScriptedServer.named("app")
        let settings = isTrusted ? Self.trusting + ["headers: { request-id: make }"] : []
        let gateway = try Gateway(app, gateway: settings, workers: 1)
        #expect(try gateway.get(fields: "X-Request-Id: a\r\nX-Request-Id: b\r\n").status == 200)
        let ids = try #require(app.requests.first).values("x-request-id")
        #expect(ids.count == 1 && isMade(ids.first), "\(ids)")
        let unrouted = try gateway.get(host: "other.test", fields: "X-Request-Id: a\r\n")
        #expect(isMade(unrouted["x-request-id"]))
        #expect(try logged(gateway, 2) == [ids[0], unrouted["x-request-id"] ?? ""])
    }
}
