import Foundation
import Testing

/// What real CAs do and Pebble does not, and what goes wrong with them: through a proxy that makes it so.
@Suite("Pebble behind faults", .patient)
struct PebbleFaultTests {
    private let site: DNSSite
    private let faults: ACMEFaults

    init() throws {
        site = try DNSSite()
        faults = try ACMEFaults(site.pebble, orders: "", in: site.directory)
        try site.write(url: faults.url)
    }

    private func renewal(_ start: String, _ end: String, more: String = "") -> String {
        #""renewal": { "start": "\#(start)", "end": "\#(end)", "explanationURL": "https://ca.test/why" } \#(more)"#
    }

    @Test(
        "ARI: a window to come is kept over commands, one that has passed renews, and the order says what it replaces"
    )
    func advice() throws {
        try faults.obey(
            renewal("2099-01-01T00:00:00Z", "2099-01-02T00:00:00.5+01:00", more: ", \"renewal-retry\": \"60\"")
        )
        #expect(try site.certs("issue", "web").status == 0)
        let first = try faults.orders()
        #expect(!first.isEmpty && first.allSatisfy { $0["replaces"] == nil }, "\(first)")
        let waits = try site.certs("renew")
        #expect(waits.output.contains("no certificate is due"), "\(waits)")
        let asked = try faults.requests().filter { $0.path.hasPrefix("/renewal-info/") }
        #expect(asked.count == 1 && asked.allSatisfy { $0.method == "GET" })
        let advice = try #require(try site.plan()["advice"] as? [String: Any])
        let moment = try #require(advice["moment"] as? Int)
        #expect((4_070_908_800...4_070_991_600).contains(moment))
        // Not asked again before its time, and the moment stays.
        #expect(try site.certs("renew").status == 0)
        #expect(try faults.requests().filter { $0.path.hasPrefix("/renewal-info/") }.count == 1)
        #expect(try (site.plan()["advice"] as? [String: Any])?["moment"] as? Int == moment)

        // The time to ask has come, and the CA wants it back.
        try faults.obey(renewal("2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z"))
        let path = site.directory.path("store/plans/web")
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let due = text.replacing(#/"next_question":[0-9]+/#, with: "\"next_question\":0")
        try due.write(toFile: path, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        let renewed = try site.certs("renew")
        #expect(renewed.status == 0 && renewed.output.contains("good until"), "\(renewed) \(faults.log)")
        let replaced = try #require(try faults.orders().last?["replaces"] as? String)
        #expect(asked.first?.path == "/renewal-info/" + replaced)
        #expect(try site.certs("audit", "web").output.contains("its CA wants it renewed (https://ca.test/why)"))
    }

    @Test("the running gateway renews by itself what its CA wants back, and serves that")
    func renews() throws {
        let gateway = try Served(site, faults, advice: renewal("2099-01-01T00:00:00Z", "2099-01-02T00:00:00Z"))
        let first = try gateway.shown()
        try gateway.ask(renewal("2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z"))
        try eventually("another is shown; \(gateway.log)", within: .seconds(200)) {
            let now = try gateway.shown()
            return now.contains("Pebble") && now != first
        }
        #expect(try faults.orders().last?["replaces"] is String)
    }

    @Test("one that its CA wants back, and does not replace, gives way to its standby")
    func standby() throws {
        let usual = renewal("2099-01-01T00:00:00Z", "2099-01-02T00:00:00Z")
        let gateway = try Served(site, faults, advice: usual, standby: "standby: internal")
        let fault = #", "faults": [ { "path": "/order-plz", "times": 99, "status": 500 } ]"#
        try gateway.ask(renewal("2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z", more: fault))
        let words = "certificate web: ITS STANDBY IS SERVED"
        try eventually("it comes in; \(gateway.log)", within: .seconds(200)) { gateway.log.contains(words) }
        let cause = "since its CA has wanted it replaced since 2020-01-02T00:00:00Z"
        #expect(gateway.log.contains(cause), "\(gateway.log)")
        try eventually("it is shown; \(gateway.log)", within: .seconds(200)) {
            try gateway.shown().contains("intermediate CA")
        }
    }

    /// A gateway that shows what the CA behind the faults gave it, and has asked it when to renew.
    private struct Served {
        private let site: DNSSite
        private let faults: ACMEFaults
        private let gateway: RunningSite
        private let port: UInt16

        /// - Parameters:
        ///   - advice: what the CA says.
        ///   - standby: further keys of the certificate.
        init(_ site: DNSSite, _ faults: ACMEFaults, advice: String, standby: String = "") throws {
            try faults.obey(advice)
            let tls = try Ports.free()
            (self.site, self.faults, port) = (site, faults, tls)
            gateway = try RunningSite(
                """
                site: foobar.test
                hosts: { here: { roles: [gateway], addresses: [127.0.0.1/8] } }
                gateway:
                  listen: [ { port: \(tls), tls: { certificates: [web] } } ]
                  routes: [ { hosts: [foobar.test], pool: web } ]
                  pools: { web: { servers: [ { address: 127.0.0.1, port: 1 } ] } }
                certificate-store: store
                certificates:
                  web:
                    names: [foobar.test]
                    issuer: { acme: "\(faults.url)", trust: pebble.crt, \(try site.pebble.hook()) }
                    \(standby)
                """,
                in: site.directory
            )
            try eventually("it is there; \(site.pebble.log) \(log)", within: .seconds(120)) {
                try shown().contains("Pebble")
            }
            try eventually("the CA was asked when to renew", within: .seconds(120)) {
                gateway.process.send(SIGHUP)
                return try site.plan()["advice"] != nil
            }
        }

        var log: String { gateway.log }

        func shown() throws -> String { try site.directory.shown(at: port, "-issuer -serial") }

        /// The time has come to ask, and the CA answers this. The gateway looks each minute, and at a reload; what it keeps of
        /// the look before may take the place of what is written here.
        func ask(_ answer: String) throws {
            try faults.obey(answer)
            let before = "\(try site.plan()["advice"] ?? "")"
            let path = site.directory.path("store/plans/web")
            try eventually("the CA is asked once more; \(log)", within: .seconds(120)) {
                let text = try String(contentsOfFile: path, encoding: .utf8)
                let due = text.replacing(#/"next_question":[0-9]+/#, with: "\"next_question\":0")
                if due != text {
                    try due.write(toFile: path, atomically: true, encoding: .utf8)
                    try site.directory.setMode(0o600, of: "store/plans/web")
                    gateway.process.send(SIGHUP)
                }
                return "\(try site.plan()["advice"] ?? "")" != before
            }
        }
    }

    @Test("a CA that refuses what is replaced gets the order without", arguments: [409, 404, 400, 500])
    func replacesRefused(status: Int) throws {
        try faults.obey(renewal("2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z"))
        #expect(try site.certs("issue", "web").status == 0)
        let type = status == 409 ? "alreadyReplaced" : "malformed"
        try faults.obey(
            renewal("2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z")
                + """
                , "faults": [ { "path": "/order-plz", "has": "replaces", "times": 99, "status": \(status),
                    "body": { "type": "urn:ietf:params:acme:error:\(type)", "detail": "no" } } ]
                """
        )
        let renewed = try site.certs("renew")
        #expect(renewed.status == 0 && renewed.output.contains("good until"), "\(renewed) \(faults.log)")
        let orders = try faults.orders()
        #expect(orders.contains { $0["replaces"] is String }, "it is tried")
        #expect(try #require(orders.last)["replaces"] == nil, "\(orders)")
    }

    @Test("a profile that the CA offers is asked for; of another one the error names those that there are")
    func profiles() throws {
        try faults.obey(#""profiles": { "shortlived": "160 hours", "classic": "90 days" }"#)
        try site.write("profile: shortlived", url: faults.url)
        #expect(try site.certs("issue", "web").status == 0)
        let orders = try faults.orders()
        #expect(!orders.isEmpty && orders.allSatisfy { $0["profile"] as? String == "shortlived" }, "\(orders)")
        try site.write("profile: shortlifed", url: faults.url)
        let refused = try site.certs("rotate", "web")
        #expect(refused.status == 1 && refused.error.contains("shortlived, classic"), "\(refused)")
    }

    @Test("a limit is kept to, by seconds or by a date, and after a restart", arguments: ["7200", "date"])
    func limited(form: String) throws {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(identifier: "GMT")
        formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        let wait = form == "date" ? formatter.string(from: Date(timeIntervalSinceNow: 7200)) : form
        try faults.obey(
            """
            "faults": [ { "path": "/order-plz", "times": 99, "status": 429, "headers": { "Retry-After": "\(wait)" },
                "body": { "type": "urn:ietf:params:acme:error:rateLimited", "detail": "too many of a.test" } } ]
            """
        )
        let before = Int(Date().timeIntervalSince1970)
        let refused = try site.certs("issue", "web")
        #expect(refused.status == 1 && refused.error.contains("too many of a.test"), "\(refused)")
        let held = try #require(try (site.plan()["held"] as? [String: Any])?[faults.url] as? Int)
        #expect((before + 7000...before + 7200 + 600).contains(held))
        #expect(try (site.plan()["next"] as? Int ?? 0) >= before + 7000)
        let count = try faults.requests().count
        let again = try site.certs("issue", "web")
        #expect(again.status == 1 && again.error.contains("wants to be left alone"), "\(again)")
        #expect(try faults.requests().count == count)
    }

    @Test("a server that fails, or cuts its certificate short, leaves what there was, and the next try is good")
    func broken() throws {
        // While the name is yet to be proved.
        let authorization = #"{ "path": "/authZ/", "times": 99, "cut": 30 }"#
        try faults.obey("\"faults\": [ \(authorization) ]")
        let unproved = try site.certs("issue", "web")
        #expect(unproved.status == 1 && unproved.error.contains("certificate web: "), "\(unproved)")
        try faults.obey("")
        #expect(try site.certs("issue", "web").status == 0)
        for fault in [
            #"{ "path": "/order-plz", "times": 99, "status": 500 }"#,
            #"{ "path": "/nonce-plz", "times": 99, "status": 503 }"#,
            #"{ "path": "/certZ/", "times": 99, "cut": 300 }"#, #"{ "path": "/certZ/", "times": 99, "cut": 0 }"#,
            #"{ "path": "/dir", "times": 99, "cut": 40 }"#,
        ] {
            try faults.obey("\"faults\": [ \(fault) ]")
            // With an order of its own, though one before came to a certificate.
            let refused = try site.certs("rotate", "web", "--new-key")
            #expect(refused.status == 1 && refused.error.contains("certificate web: "), "\(fault): \(refused)")
            #expect(try site.certs("verify", "web").status == 0, "\(fault): \(refused)")
        }
        try faults.obey("")
        let good = try site.certs("rotate", "web")
        #expect(good.status == 0 && good.output.contains("good until"), "\(good)")
        #expect(try site.certs("list").output.contains("generation 2"))
    }

    @Test("a file that is missing is no loop and no end: another certificate is ordered", arguments: ["key.pem", ""])
    func missing(file: String) throws {
        #expect(try site.certs("issue", "web").status == 0)
        // The key alone, or all that there was.
        let lost = file.isEmpty ? "store/web" : "store/web/1/\(file)"
        try FileManager.default.removeItem(atPath: site.directory.path(lost))
        let list = try site.certs("list")
        #expect(list.status == 1 && list.output.contains("AT FAULT"), "\(list)")
        // Those that it took: some nonces are refused.
        func orders() throws -> Int { try faults.requests().count { $0.path == "/order-plz" && $0.status == 201 } }
        let before = try orders()
        let renewed = try site.certs("renew")
        #expect(renewed.status == 0 && renewed.output.contains("good until"), "\(renewed)")
        #expect(try site.certs("list").status == 0)
        #expect(try site.certs("renew").output.contains("no certificate is due"))
        #expect(try orders() == before + 1)
    }

    @Test("an answer that is too long is said to be, with how long one may be")
    func excessive() throws {
        let text = String(repeating: "x", count: 50_000)
        try faults.obey(#""faults": [ { "path": "/dir", "times": 99, "status": 200, "body": { "x": "\#(text)" } } ]"#)
        let body = try site.certs("issue", "web")
        #expect(body.status == 1 && body.error.contains("its answer is longer than 49152 bytes"), "\(body)")
        let fields = #"{ "X": "\#(text.prefix(20_000))" }"#
        try faults.obey(#""faults": [ { "path": "/dir", "times": 99, "status": 200, "headers": \#(fields) } ]"#)
        let head = try site.certs("issue", "web")
        #expect(head.status == 1 && head.error.contains("head of its answer is longer than 16384 bytes"), "\(head)")
        #expect(!(body.error + head.error).contains("cannot be reached"), "\(body) \(head)")
    }

    @Test("a CA that hangs is waited for as long as the site file says")
    func hangs() throws {
        try site.write("timeout: 2s", url: faults.url)
        try faults.obey(#""faults": [ { "path": "/order-plz", "times": 99, "hang": true } ]"#)
        let refused = try site.certs("issue", "web")
        #expect(refused.status == 1 && refused.error.contains("cannot be reached"), "\(refused)")
    }

    @Test("a CA that hangs, with more certificates than are ordered at a time, keeps no other CA's from being served")
    func hangsAlone() throws {
        try faults.obey(#""faults": [ { "path": "/order-plz", "times": 99, "hang": true } ]"#)
        let tls = try Ports.free()
        let issuer = "trust: pebble.crt, \(try site.pebble.hook())"
        let hanging = (1...9).map { "first\($0)" }
        let waiting = hanging.map { name in
            "  \(name): { names: [\(name).test], issuer: { acme: \"\(faults.url)\", timeout: 1h, \(issuer) } }"
        }.joined(separator: "\n")
        let gateway = try RunningSite(
            """
            site: a.test
            hosts: { here: { roles: [gateway], addresses: [127.0.0.1/8] } }
            gateway:
              listen: [ { port: \(tls), tls: { certificates: [\(hanging.joined(separator: ", ")), web] } } ]
              routes: [ { hosts: [web.test], pool: web } ]
              pools: { web: { servers: [ { address: 127.0.0.1, port: 1 } ] } }
            certificate-store: store
            certificates:
              web: { names: [web.test], issuer: { acme: "\(site.pebble.url)", \(issuer) } }

            """ + waiting,
            in: site.directory
        )
        try eventually("the other one is there; \(site.pebble.log) \(gateway.log)", within: .seconds(120)) {
            gateway.log.contains("certificate web: served, as a handshake showed")
        }
        #expect(!gateway.log.contains("certificate first1: issued"))
    }

    @Test("Pebble is restarted in the middle of an order: that one fails, the next finds its way without help")
    func restarted() throws {
        try site.directory.write("", to: "block")
        let command = try ChildProcess(
            try Gateway.binary,
            ["certs", "issue", "web", "--site", site.directory.path("site.yaml")],
            in: site.directory,
            name: "issue"
        )
        try eventually("a record is asked for", within: .seconds(120)) {
            (try? site.directory.contents(of: "hook.log").isEmpty) == false
        }
        try site.pebble.restart()
        try FileManager.default.removeItem(atPath: site.directory.path("block"))
        try eventually("it ends", within: .seconds(120)) { command.poll() != nil }
        let again = try site.certs("issue", "web")
        #expect(again.status == 0, "\(again) \(command.standardError)")
    }

    @Test("a process that is killed before it has the certificate: the next one fetches it, and orders no other")
    func killed() throws {
        try faults.obey(#""faults": [ { "path": "/certZ/", "times": 99, "hang": true } ]"#)
        func count(_ path: String) throws -> Int {
            try faults.requests().count { $0.path.hasPrefix(path) && (200...299).contains($0.status) }
        }
        let command = try ChildProcess(
            try Gateway.binary,
            ["certs", "issue", "web", "--site", site.directory.path("site.yaml")],
            in: site.directory,
            name: "issue"
        )
        try eventually("it asks for the certificate; \(faults.log)", within: .seconds(120)) {
            try faults.requests().contains { $0.path.hasPrefix("/certZ/") }
        }
        command.send(SIGKILL)
        try command.wait()
        #expect(try count("/order-plz") == 1)
        try faults.obey("")
        let issued = try site.certs("issue", "web")
        #expect(issued.status == 0 && issued.output.contains("certificate web: issued"), "\(issued) \(faults.log)")
        #expect(try count("/order-plz") == 1 && count("/finalize-order/") == 1)
    }

    @Test("one bad name does not let the others expire: after three tries it is left out, and said to be")
    func oneBadName() throws {
        try site.write(names: "[a.test, bad.test]", url: faults.url)
        // No record of that name ever comes up.
        try site.directory.write(
            "#!/bin/sh\ncase \"$2\" in *bad*) exit 7 ;; esac\nexec \(site.directory.path("records")) \"$@\"\n",
            to: "picky"
        )
        try site.directory.makeExecutable("picky")
        let text = String(decoding: try site.directory.contents(of: "site.yaml"), as: UTF8.self)
        try site.directory.write(text.replacingOccurrences(of: "./records", with: "./picky"), to: "site.yaml")
        for _ in 0..<2 {
            let refused = try site.certs("issue", "web")
            #expect(refused.status == 1 && refused.error.contains("bad.test"), "\(refused)")
        }
        let issued = try site.certs("issue", "web")
        #expect(issued.status == 1 && issued.output.contains("certificate web: issued"), "\(issued)")
        #expect(issued.error.contains("NOT FOR ALL OF ITS NAMES") && issued.error.contains("bad.test"), "\(issued)")
        let listed = try site.certs("list")
        #expect(listed.status == 1 && listed.output.contains("it does not cover bad.test"), "\(listed)")
        // The rest is covered and not due: nothing is ordered without the bad name again.
        let again = try site.certs("issue", "web")
        #expect(again.status == 1 && again.error.contains("bad.test"), "\(again)")
        #expect(try site.certs("list").output.contains("generation 1"))
    }
}
