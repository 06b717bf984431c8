import Foundation
import Testing

/// Certificates of the same CA that are asked for one beside the other.
@Suite("An order that takes long", .patient)
struct SlowOrderTests {
    @Test("one whose program does not end keeps none from its turn that the site file has later")
    func later() throws {
        let directory = try TemporaryDirectory()
        let pebble = try Pebble(.init(), in: directory)
        let (port, hook) = (try Ports.free(), try pebble.hook())
        let (begun, block) = (directory.path("begun"), directory.path("slow-block"))
        try directory.write("", to: "slow-block")
        try directory.write(
            """
            #!/bin/sh
            touch \(begun)
            while [ -e \(block) ]; do sleep 0.05; done
            exit 1
            """,
            to: "slow"
        )
        try directory.makeExecutable("slow")
        func text(_ names: [String], _ more: String) -> String {
            CertificateSite.text(
                at: port,
                showing: names,
                hosts: "\"*\"",
                certificates: """
                      slow:
                        names: [slow.test]
                        issuer: { acme: "\(pebble.url)", trust: pebble.crt, dns: { run: ./slow, timeout: 10m, wait: 0s } }
                      \(more)
                    """
            )
        }
        let site = try RunningSite(text(["slow"], ""), in: directory)
        try eventually("the slow one has its turn; \(site.log)", within: .seconds(120)) {
            FileManager.default.fileExists(atPath: begun)
        }
        let web = "web: { names: [foobar.test], issuer: { acme: \"\(pebble.url)\", trust: pebble.crt, \(hook) } }"
        try directory.write(text(["slow", "web"], web), to: "site.yaml")
        #expect(try site.command("reload").status == 0)
        try eventually("the other is there; \(site.log)", within: .seconds(120)) {
            site.log.contains("certificate web: issued by")
        }
        try FileManager.default.removeItem(atPath: block)
    }

    @Test("what it gives is kept out where a reload has asked for something else meanwhile, and that is ordered")
    func reloaded() throws {
        let directory = try TemporaryDirectory()
        let pebble = try Pebble(.init(environment: ["PEBBLE_WFE_NONCEREJECT": "0"]), in: directory)
        let (port, hook) = (try Ports.free(), try pebble.hook().replacing("wait: 0s", with: "timeout: 10m, wait: 0s"))
        func issuer(_ url: String) -> String { "{ acme: \"\(url)\", trust: pebble.crt, \(hook) }" }
        func text(_ certificates: KeyValuePairs<String, String>) -> String {
            CertificateSite.text(
                at: port,
                showing: certificates.map(\.key),
                hosts: "\"*\"",
                certificates: certificates.map { "  \($0.key): { \($0.value) }" }.joined(separator: "\n")
            )
        }
        func plain(_ name: String) -> String { "names: [\(name).foobar.test], issuer: \(issuer(pebble.url))" }
        try directory.write("", to: "block")
        let ordered = ["same", "wider", "kind", "elsewhere", "home", "gone"]
        let site = try RunningSite(
            text([
                "same": plain("same"), "wider": plain("wider"), "kind": plain("kind"),
                "elsewhere": plain("elsewhere"), "home": plain("home"), "gone": plain("gone"),
            ]),
            in: directory
        )
        try eventually("all are ordered; \(site.log)", within: .seconds(120)) {
            let calls = (try? String(contentsOfFile: directory.path("hook.log"), encoding: .utf8)) ?? ""
            return ordered.allSatisfy { calls.contains("present _acme-challenge.\($0).foobar.test") }
        }
        // Nobody answers at the other CA.
        let reloaded = text([
            "same": plain("same") + ", reuse-key: true",
            "wider": "names: [wider.foobar.test, more.foobar.test], issuer: \(issuer(pebble.url))",
            "kind": plain("kind") + ", key: rsa-2048",
            "elsewhere": "names: [elsewhere.foobar.test], issuer: \(issuer("https://127.0.0.1:1/dir"))",
            "home": "names: [home.foobar.test], issuer: internal",
        ])
        try directory.write(reloaded, to: "site.yaml")
        #expect(try site.command("reload").status == 0)
        try FileManager.default.removeItem(atPath: directory.path("block"))
        func isTold(_ words: String, of name: String) -> Bool {
            site.log.split(separator: "\n").contains { $0.contains("certificate \(name): ") && $0.contains(words) }
        }
        for name in ordered.dropFirst() {
            try eventually("what is not wanted now is told of \(name); \(site.log)", within: .seconds(120)) {
                isTold("what its CA gave is not put into force", of: name)
            }
        }
        for name in ["same", "wider", "kind"] {
            try eventually("\(name) is there; \(site.log)", within: .seconds(120)) {
                isTold("issued by \(pebble.url)", of: name)
            }
        }
        try eventually("the other CA is asked, for the first time; \(site.log)", within: .seconds(120)) {
            isTold("; try 1 in a row", of: "elsewhere")
        }
        let history = try directory.certs(["audit"]).output
        for (name, times) in ["same": 1, "wider": 1, "kind": 1, "elsewhere": 0, "home": 1, "gone": 0] {
            #expect(history.components(separatedBy: "\(name) issued, ").count == times + 1, "\(name): \(history)")
        }
    }

    @Test("a command that waits for the gateway's takes what came of it for good, and makes no second one")
    func waited() throws {
        let directory = try TemporaryDirectory()
        let pebble = try Pebble(.init(), in: directory)
        let (port, hook) = (try Ports.free(), try pebble.hook().replacing("wait: 0s", with: "timeout: 10m, wait: 0s"))
        try directory.write("", to: "block")
        let web = "  web: { names: [foobar.test], issuer: { acme: \"\(pebble.url)\", trust: pebble.crt, \(hook) } }"
        let site = try RunningSite(CertificateSite.text(at: port, certificates: web), in: directory)
        try eventually("the gateway orders; \(site.log)", within: .seconds(120)) {
            FileManager.default.fileExists(atPath: directory.path("hook.log"))
        }
        let renewed = try directory.certs(["renew"])
        let who = "(`gatehouse serve`) has been making it since "
        #expect(renewed.status == 0 && renewed.output.contains(who), "\(renewed)")
        let waiting = try directory.beginCerts(["issue", "web"], name: "waiting")
        try eventually("it says for whom it waits") { waiting.standardError.contains("waiting for that until ") }
        // What is made from now on begins after the command has.
        let second = Int(Date().timeIntervalSince1970)
        try eventually("another second has begun") { Int(Date().timeIntervalSince1970) > second }
        try FileManager.default.removeItem(atPath: directory.path("block"))
        #expect(try waiting.wait() == 0)
        #expect(waiting.standardOutput.contains("is already in force"), "\(waiting.standardError)")
        let history = try directory.certs(["audit"]).output
        #expect(history.components(separatedBy: "web issued, ").count == 2, "\(history)")
    }
}
