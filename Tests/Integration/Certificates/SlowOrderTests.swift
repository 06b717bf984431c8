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
