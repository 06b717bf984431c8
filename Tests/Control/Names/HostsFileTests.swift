import Control
import Site
import Testing

@Suite("Whom the machine asks")
struct HostsFileTests {
    @Test("hosts: names in any case, several addresses, comments, and lines that make no sense")
    func hosts() {
        let hosts = HostsFile(
            """
            127.0.0.1\tlocalhost
            # 192.0.2.1 commented
            192.0.2.2  App app.test#tail
            2001:db8::1 app.test
            192.0.2.2 app.test
            300.1.1.1 wrong
            192.0.2.3
            \t
            """
        )
        #expect(hosts["app"] == [.v4(0xC000_0202)])
        #expect(hosts["app.test"].map { "\($0)" } == ["192.0.2.2", "2001:db8::1"])
        #expect(hosts["localhost"].count == 1 && hosts["nowhere"].isEmpty)
        #expect(hosts["commented"].isEmpty && hosts["wrong"].isEmpty && hosts[""].isEmpty)
    }

    @Test("resolv.conf: three servers at most, none with a zone; the site file's go before them")
    func servers() {
        let text = """
            # made by hand
            search example.com
            nameserver 192.0.2.53
            nameserver fe80::1%eth0
            options timeout:1
            nameserver\t2001:db8::53
            nameserver 192.0.2.54
            nameserver 192.0.2.55
            """
        #expect(NameServers.list([], resolvConf: text) == ["192.0.2.53:53", "[2001:db8::53]:53", "192.0.2.54:53"])
        #expect(NameServers.list([], resolvConf: "") == ["127.0.0.1:53"])
        let own = NameServer(address: .v4(0x7F00_0001), port: 5353)
        #expect(NameServers.list([own], resolvConf: text) == ["127.0.0.1:5353"])
    }
}
