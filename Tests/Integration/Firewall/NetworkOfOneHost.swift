/// A shell in a network namespace that goes away with it: a host of the reference site with two interfaces, the built
/// program, and rulesets to apply. Nothing of the machine's own network is touched.
struct NetworkOfOneHost {
    let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        try directory.write(Self.site, to: "site.yaml")
        try directory.write(Self.ruleset(office: "203.0.113.0/24", port: 22), to: "one.nft")
        try directory.write(Self.ruleset(office: "203.0.113.0/24, 192.0.2.0/24", port: 22), to: "two.nft")
        try directory.write(Self.ruleset(office: "203.0.113.0/24", port: 2222), to: "three.nft")
    }

    /// Whether such networks can be made here; says why not.
    static let isPossible: Bool = {
        guard let directory = try? TemporaryDirectory(),
            let result = try? run("unshare", ["--net", "nft", "list", "ruleset"], in: directory), result.status == 0
        else {
            print("skipped: the firewall's tests: no network namespace with nftables can be made (root, unshare, nft)")
            return false
        }
        return true
    }()

    /// Runs a script there. `apply RULESET OPTION…`, `policy COMMAND`, `until CONDITION` stand ready.
    func script(_ text: String, within limit: Duration = .seconds(60)) throws -> ToolResult {
        let name = directory.uniqueName("script")
        try directory.write(
            """
            cd \(directory.root)
            ip link set lo up
            ip link add eth0 type veth peer name eth1
            ip link set eth0 up
            ip link set eth1 up
            ip addr add 10.10.0.21/24 dev eth0
            gatehouse=\(try Gateway.binary)
            policy() { $gatehouse policy "$@" --state state; }
            apply() { ruleset=$1; shift; policy apply --site site.yaml --ruleset $ruleset "$@"; }
            table() { nft list table inet gatehouse; }
            await() { for n in $(seq 200); do eval "$1" && return; read -t 0.05 <> <(:); done; echo "never: $1"; exit 99; }
            \(text)
            """,
            to: name
        )
        return try run("unshare", ["--net", "bash", directory.path(name)], in: directory, within: limit)
    }

    private static let site = """
        site: foobar.com
        networks:
          office: [203.0.113.0/24]
        hosts:
          app-01: { roles: [app], addresses: [10.10.0.21/24] }
        services: { ssh: tcp/22 }
        firewall:
          allow:
            - { from: office, to: all, services: [ssh] }

        """

    private static func ruleset(office: String, port: Int) -> String {
        """
        table inet gatehouse {
            set office {
                type ipv4_addr
                flags interval
                elements = { \(office) }
            }
            chain input {
                type filter hook input priority filter; policy drop;
                iifname "lo" counter accept comment "loopback"
                ct state established,related accept
                ip saddr @office tcp dport \(port) counter accept comment "allow-1 line 9"
            }
        }

        """
    }
}
