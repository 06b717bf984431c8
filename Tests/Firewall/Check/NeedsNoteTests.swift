import Firewall
import Site
import Testing

@Suite("Hosts that may ask nobody")
struct NeedsNoteTests {
    private static func note(_ firewall: String, host: String? = nil) throws -> Diagnostic? {
        let site = try site(
            """
            site: a.b
            networks: { office: 203.0.113.0/24 }
            hosts: { a: { addresses: [10.0.0.1/24] }, b: { addresses: [10.0.0.2/24] } }
            services: { ssh: tcp/22, dns: udp/53 }
            firewall:
              allow:
                - { from: office, to: all, services: ssh }
            \(firewall)
            """
        )
        return NeedsNote.note(site, Intent(of: site), host: host, file: "site.yaml")
    }

    @Test("they are named where the site has no `needs`, and only they")
    func named() throws {
        let both = try #require(try Self.note(""))
        #expect(both.severity == .note && both.help?.contains("needs: { dns: ") == true)
        #expect(both.message == "`a`, `b` resolve no names, set no clock and fetch no packages: no line lets that out")
        let line = "    - { from: a, to: 10.0.0.2, services: dns }"
        #expect(try Self.note(line)?.message.hasPrefix("`b` resolves no names, sets no clock ") == true)
        #expect(try Self.note(line, host: "a") == nil && Self.note(line, host: "b") != nil)
        #expect(try Self.note("  needs: { ntp: internet }") == nil)
    }

    @Test("the reference site has such hosts, since they may ask its own gateway alone")
    func reference() throws {
        let site = try policySite("foobar.com.yaml")
        let note = try #require(NeedsNote.note(site, Intent(of: site), file: "site.yaml"))
        #expect(note.message.hasPrefix("`app-01`, `app-02`, `db-01`, `db-02`, `lb-01` resolve"), "\(note.message)")
        let other = try policySite("egress.yaml")
        #expect(NeedsNote.note(other, Intent(of: other), file: "site.yaml") == nil)
    }
}
