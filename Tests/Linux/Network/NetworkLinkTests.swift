import Testing

@testable import Linux

@Suite("Network interfaces by kind")
struct NetworkLinkTests {
    @Test("loopback is there, of no kind")
    func loopback() throws {
        let link = try #require(try NetworkLink.all().first { $0.name == "lo" })
        #expect(link == NetworkLink(index: 1, name: "lo", kind: nil))
    }

    @Test("an interface is read with its kind; one that it stands on in another network is none")
    func message() throws {
        func message(_ more: [UInt8]) -> NetlinkMessage {
            let kind = NetlinkMessage.attribute(18, NetlinkMessage.attribute(1, Array("vlan".utf8) + [0]))
            let header: [UInt8] = [0, 0, 1, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
            let name = NetlinkMessage.attribute(3, Array("eth0.3".utf8) + [0])
            let places = NetlinkMessage.attribute(5, [2, 0, 0, 0]) + NetlinkMessage.attribute(10, [9, 0, 0, 0])
            return NetlinkMessage(type: 16, flags: 0, body: (header + name + places + kind + more)[...])
        }
        let here = try #require(NetworkLink(message([])))
        #expect(here == NetworkLink(index: 7, name: "eth0.3", kind: "vlan", base: 2, master: 9))
        #expect(NetworkLink(message(NetlinkMessage.attribute(37, [1, 0, 0, 0])))?.base == 0)
        for length in 0..<16 {
            let short = NetlinkMessage(type: 16, flags: 0, body: message([]).body.prefix(length))
            #expect(NetworkLink(short) == nil, "\(length)")
        }
    }

    @Test("a bridge is told to hand packets to rules of IP or not, and nothing else is")
    func filtered() throws {
        func link(_ kind: String, _ data: [UInt8]) -> NetworkLink? {
            let text = NetlinkMessage.attribute(1, Array(kind.utf8) + [0])
            let info = NetlinkMessage.attribute(18, text + NetlinkMessage.attribute(2, data))
            let name = NetlinkMessage.attribute(3, Array("br0".utf8) + [0])
            let header: [UInt8] = [0, 0, 1, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
            return NetworkLink(NetlinkMessage(type: 16, flags: 0, body: (header + name + info)[...]))
        }
        for (four, six) in [(0, 0), (1, 0), (0, 1), (1, 1)] as [(UInt8, UInt8)] {
            let data = NetlinkMessage.attribute(36, [four]) + NetlinkMessage.attribute(37, [six])
            #expect(try #require(link("bridge", data)).isFiltered == (four + six > 0))
            #expect(try #require(link("vlan", data)).isFiltered == false)
        }
        #expect(try #require(link("bridge", [])).isFiltered == false)
    }

    @Test("a tunnel is found below VLANs and bridges, and in no circle")
    func tunnels() {
        let links = [
            NetworkLink(index: 1, name: "lo", kind: nil), NetworkLink(index: 2, name: "eth0", kind: nil, master: 6),
            NetworkLink(index: 3, name: "vx0", kind: "vxlan", base: 2),
            NetworkLink(index: 4, name: "vx0.9", kind: "vlan", base: 3),
            NetworkLink(index: 5, name: "eth0.9", kind: "vlan", base: 2),
            NetworkLink(index: 6, name: "br0", kind: "bridge"),
            NetworkLink(index: 7, name: "tap0", kind: "tun", master: 6),
            NetworkLink(index: 8, name: "br1", kind: "bridge"),
            NetworkLink(index: 9, name: "gre1", kind: "gretap", master: 8),
            NetworkLink(index: 10, name: "a", kind: "veth", base: 11),
            NetworkLink(index: 11, name: "b", kind: "veth", base: 10),
        ]
        for (name, tunnel) in [("vx0", "vx0"), ("vx0.9", "vx0"), ("br1", "gre1"), ("tap0", "tap0")] {
            #expect(links.tunnel(under: name)?.name == tunnel, "\(name)")
        }
        for name in ["lo", "eth0", "eth0.9", "br0", "a", "none"] {
            #expect(links.tunnel(under: name) == nil, "\(name)")
        }
    }
}
