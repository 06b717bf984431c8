import Foundation
import Testing

/// A host whose addresses stand in the site file, and come by DHCP all the same.
@Suite("Leases of addresses in the site file", .patient, .enabled(if: NetworkOfOneHost.isPossible))
struct LeaseRenewalTests {
    private static let site = """
        site: foobar.com
        hosts:
          app-01:
            roles: [app]
            interfaces:
              eth0: { addresses: [10.10.0.21/24, "2001:db8:2::21/128", "2001:db8:1::21/64"] }
        services: { ssh: tcp/22 }
        firewall:
          allow: [{ from: any, to: all, services: [ssh] }]

        """

    /// `renew` tells whether what renews a lease of either family gets out; `advertised` is as routers' advertisements make
    /// addresses.
    private static let network = """
        unset SSH_CONNECTION
        sysctl -qw net.ipv6.conf.eth0.accept_dad=0; ip addr add fe80::21/64 dev eth0 nodad
        ip addr change 10.10.0.21/24 dev eth0 valid_lft 3600 preferred_lft 1800
        ip addr add 2001:db8:1::21/64 dev eth0 nodad valid_lft 7000 preferred_lft 1800
        ip addr add 2001:db8:2::21/128 dev eth0 nodad valid_lft 7000 preferred_lft 1800
        renew() { python3 renew.py; }
        try() { apply site.in --keep 10.10.0.7 "$@" 2> said; echo "tried $* $?"; cat said; }

        """

    private static let renew = """
        import socket
        for family, port, own, to in [
            (socket.AF_INET, 68, ("10.10.0.21",), ("10.10.0.1",)),
            (socket.AF_INET6, 546, ("fe80::21",), ("ff02::1:2",)),
        ]:
            index = (0, socket.if_nametoindex("eth0")) if family == socket.AF_INET6 else ()
            client = socket.socket(family, socket.SOCK_DGRAM)
            client.bind((own[0], port) + index)
            try:
                client.sendto(b"?", (to[0], port - 1 if port == 68 else 547) + index)
                print(port, "sent")
            except PermissionError:
                print(port, "dropped")

        """

    private func run(_ script: String) throws -> ToolResult {
        let network = try NetworkOfOneHost()
        try network.directory.write(Self.site, to: "site.in")
        try network.directory.write(Self.renew, to: "renew.py")
        return try network.script(Self.network + script)
    }

    @Test("an address that is leased is told with its line, refused without a watchdog, and kept with `dhcp`")
    func renewal() throws {
        let result = try run(
            """
            try --confirm-within 0s; nft list tables; try --confirm-within 600s; policy confirm; renew
            policy status > said; grep -c 'what renews its lease' said; policy drift 2>&1 | grep -c 'what renews its lease'
            sed -i 's#64"]#&, dhcp: true#' site.in; try --confirm-within 0s; renew
            policy status > said; echo "status $?"; grep -c 'what renews its lease' said
            """
        )
        let warning = "site.yaml:6:13: warning: `eth0` has "
        let loss = "s more, and these rules drop what renews its lease: the machine may lose the address then"
        let parts = result.output.components(separatedBy: "tried --confirm-within ")
        try #require(parts.count == 4, "\(result)")
        let (refused, watched, kept) = (parts[1], parts[2], parts[3])
        #expect(refused.hasPrefix("0s 1\n") && watched.hasPrefix("600s 0\n"), "\(result)")
        for part in [refused, watched] {
            #expect(part.components(separatedBy: warning).count == 3, "\(result)")
            #expect(part.contains("\(warning)10.10.0.21 by DHCP for ") && part.contains(loss), "\(result)")
            #expect(part.contains("\(warning)2001:db8:2::21 by DHCP for "), "\(result)")
            #expect(part.contains("= help: write `dhcp: true` at `eth0` of `app-01`"), "\(result)")
        }
        #expect(refused.contains("this machine may lose an address") && !refused.contains("table inet"), "\(result)")
        #expect(watched.contains("68 dropped\n546 dropped\n2\n2\n"), "\(result)")
        #expect(kept.hasPrefix("0s 0\n") && kept.contains("68 sent\n546 sent\nstatus 0\n0\n"), "\(result)")
        #expect(!kept.contains("warning: `eth0`"), "\(result)")
    }

    @Test("one that stands in `addresses` of the host is told to move to its interface; one for good is not told of")
    func elsewhere() throws {
        let result = try run(
            """
            sed -i '/interfaces:/d; s#eth0: { \\(.*\\) }#\\1#; s#^  *addresses#    addresses#' site.in; cat site.in
            try --confirm-within 0s; try --confirm-within 0s --unproved; rm -rf state; nft flush ruleset
            ip addr change 10.10.0.21/24 dev eth0 valid_lft forever; ip addr del 2001:db8:2::21/128 dev eth0
            ip addr add 2001:db8:2::21/128 dev eth0 nodad; try --confirm-within 0s
            """
        )
        let advice = "`interfaces: { eth0: { addresses: [10.10.0.21/24], dhcp: true } }`"
        let parts = result.output.components(separatedBy: "tried --confirm-within ")
        try #require(parts.count == 4, "\(result)")
        #expect(parts[1].hasPrefix("0s 1\nsite.yaml:4:5: warning: `eth0` has "), "\(result)")
        #expect(parts[1].contains("instead of in `addresses`: \(advice)"), "\(result)")
        #expect(parts[2].hasPrefix("0s --unproved 0\n") && parts[3].hasPrefix("0s 0\n"), "\(result)")
        #expect(!parts[3].contains("by DHCP"), "\(result)")
    }
}
