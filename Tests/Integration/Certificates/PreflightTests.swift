import Foundation
import Testing

/// CAA records and addresses, looked at before a CA is asked, by Pebble's name server.
@Suite("The DNS before an order", .patient)
struct PreflightTests {
    private let site: DNSSite
    private let faults: ACMEFaults

    init() throws {
        site = try DNSSite()
        faults = try ACMEFaults(site.pebble, orders: "", in: site.directory)
        try faults.obey("\"caa\": [\"ca.test\"]")
        try site.directory.write(
            """
            site: a.test
            gateway:
              name-servers: 127.0.0.1:\(site.pebble.dnsPort)
              listen: [ { port: \(try Ports.free()) } ]
              routes: [ { hosts: "*", pool: web } ]
              pools: { web: { servers: [ { address: 127.0.0.1, port: 9 } ] } }
            certificate-store: store
            certificates:
              web:
                names: [a.test, www.b.test]
                issuer: { acme: "\(faults.url)", trust: pebble.crt, \(try site.pebble.hook()) }
            """,
            to: "site.yaml"
        )
    }

    private func allow(_ name: String, _ issuer: String) throws {
        try site.pebble.tellNames(
            "add-caa",
            #"{ "host": "\#(name).", "policies": [ { "tag": "issue", "value": "\#(issuer)" } ] }"#
        )
    }

    @Test(
        "what a CA must refuse is said, with the record that is missing, and it is not asked; later it is all the same"
    )
    func records() throws {
        try allow("a.test", "ca.test")
        try allow("b.test", "other.test")
        for _ in 0..<2 {
            let refused = try site.certs("issue", "web")
            #expect(refused.status == 1, "\(refused)")
            #expect(refused.error.contains("www.b.test"), "\(refused)")
            #expect(refused.error.contains("at b.test, let only other.test certify it"), "\(refused)")
            #expect(refused.error.contains(#"`b.test. CAA 0 issue "ca.test"`"#), "\(refused)")
        }
        #expect(try faults.orders().isEmpty)
        // Pebble looks at no CAA: what another DNS shows may be another thing.
        let issued = try site.certs("issue", "web")
        #expect(issued.status == 0, "\(issued) \(site.pebble.log)")
        #expect(try !faults.orders().isEmpty)
    }

    @Test("records that allow it, and a CA that does not say how it is called, hold nothing up")
    func allowed() throws {
        try allow("test", "ca.test")
        #expect(try site.certs("issue", "web").status == 0)
        try allow("a.test", ";")
        try faults.obey("")
        #expect(try site.certs("rotate", "web").status == 0)
    }

    @Test("a name that leads elsewhere is said beside the CA's own words")
    func elsewhere() throws {
        let path = site.directory.path("site.yaml")
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let plain = text.replacing("[a.test, www.b.test]", with: "[a.test]")
            .replacing(try site.pebble.hook(), with: "challenges: http-01")
        try plain.write(toFile: path, atomically: true, encoding: .utf8)
        try site.pebble.tellNames("add-a", #"{ "host": "a.test.", "addresses": ["127.99.99.99"] }"#)
        let gateway = try RunningSite(in: site.directory)
        let refused = try site.certs("issue", "web", socket: "admin.sock")
        #expect(refused.status == 1, "\(refused) \(gateway.log)")
        #expect(refused.error.contains("it leads to 127.99.99.99, as seen from here"), "\(refused)")
    }
}
