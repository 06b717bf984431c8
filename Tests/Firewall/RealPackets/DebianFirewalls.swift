import Linux

/// Shell scripts by which Debian's own packages load their rules into the network they run in; see
/// Tests/Tools/beside-firewall.
enum DebianFirewalls {
    /// Says why not.
    static let isPossible = WiredHost.isPossible && ["ufw", "firewalld", "dbus-daemon"].allSatisfy(isThere)

    private static func isThere(_ program: String) -> Bool {
        if ["/usr/sbin", "/usr/bin"].contains(where: { FileWriting.exists("\($0)/\(program)") }) { return true }
        print("skipped: Debian's firewalls: there is no \(program)")
        return false
    }

    private static let tools = WiredHost.tool.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 }

    /// Zones by interface and by source, a set, rich rules, and policies between zones and for what the host sends.
    static let firewalld = """
        beside() { \(tools)/beside-firewall "$@"; }
        beside firewalld sh -ec '
            file() { mkdir -p "/etc/firewalld/${1%/*}"; cat > "/etc/firewalld/$1.xml"; }
            file ipsets/office <<END
            <ipset type="hash:net"><entry>10.0.0.128/26</entry><entry>10.0.1.0/25</entry></ipset>
        END
            file zones/home <<END
            <zone><source ipset="office"/><service name="ssh"/><port port="3306" protocol="tcp"/></zone>
        END
            file zones/block <<END
            <zone target="%%REJECT%%"><source address="2001:db8::/124"/></zone>
        END
            file zones/trusted <<END
            <zone target="ACCEPT"><interface name="eth1"/></zone>
        END
            file zones/public <<END
            <zone>
              <interface name="eth0"/><service name="ssh"/><service name="http"/><port port="400-1100" protocol="udp"/>
              <protocol value="gre"/><source-port port="53" protocol="udp"/><icmp-block name="timestamp-request"/>
              <rule family="ipv4"><source address="10.0.1.128/25"/><port port="8080" protocol="tcp"/><reject/></rule>
              <rule family="ipv6"><port port="8080" protocol="tcp"/><log prefix="x"/><accept/></rule>
            </zone>
        END
            file policies/through <<END
            <policy target="DROP">
              <ingress-zone name="public"/><egress-zone name="trusted"/>
              <service name="https"/><port port="80" protocol="tcp"/>
            </policy>
        END
            file policies/outwards <<END
            <policy target="CONTINUE">
              <ingress-zone name="HOST"/><egress-zone name="public"/>
              <rule><port port="3306" protocol="tcp"/><reject/></rule>
            </policy>
        END
            firewall-cmd --quiet --reload
            firewall-cmd --get-active-zones | grep -q ipset:office
            firewall-cmd --get-active-policies | grep -q outwards'
        """

    /// Rules by port, source and interface, for what comes, what goes and what is passed on.
    static let ufw = """
        \(tools)/beside-firewall ufw sh -ec '
            exec > /dev/null
            sed -i s/OUTPUT_POLICY=.*/OUTPUT_POLICY=DROP/ /etc/default/ufw
            ufw allow out 53; ufw allow out to 10.0.1.0/24 port 443 proto tcp
            ufw limit 8080/tcp; ufw reject 80/tcp; ufw deny from 10.0.1.0/25; ufw allow 22/tcp
            ufw allow from 2001:db8::100/122 to any port 3306 proto tcp
            ufw route allow in on eth0 out on eth1 to any port 443 proto tcp; ufw --force enable'
        """

    /// As Docker has iptables load it.
    static let docker = "iptables-nft-restore \(tools)/foreign-rules/docker.rules"
}
