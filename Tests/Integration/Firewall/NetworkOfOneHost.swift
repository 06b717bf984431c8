import Foundation

/// A shell in a network namespace that goes away with it: a host of the reference site with two interfaces, the built
/// program, and rulesets to apply. Nothing of the machine's own network is touched.
struct NetworkOfOneHost {
    let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        try directory.write(Self.site(), to: "one.yaml")
        try directory.write(Self.site(more: ", 192.0.2.224/29"), to: "two.yaml")
        try directory.write(Self.site(port: 2222), to: "three.yaml")
        try directory.write(Self.site(also: ", web"), to: "web.yaml")
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

    /// The same, with Debian's ufw and firewalld there.
    static let hasFirewalls: Bool = {
        for program in ["/usr/sbin/ufw", "/usr/sbin/firewalld", "/usr/bin/dbus-daemon"] {
            guard !FileManager.default.isExecutableFile(atPath: program) else { continue }
            print("skipped: beside Debian's firewalls: there is no \(program)")
            return false
        }
        return isPossible
    }()

    private static let tools =
        #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 } + "/Tools"

    /// Runs a script there. `apply SITE OPTION…`, `policy COMMAND`, `await CONDITION`, `unreadable KIND FAMILY` stand
    /// ready, and `$rules`, the folder of Tests/Tools/foreign-rules. SITE is one.yaml, two.yaml with one more network,
    /// three.yaml with another port, web.yaml with one more. `beside NAME` makes a network beside this one, `$NAME` the
    /// process that holds it, and `office` one in which somebody of the site's office is, 203.0.113.7: `$peer`.
    ///
    /// - Parameters:
    ///   - firewall: `ufw` or `firewalld`, to have that one of Debian's packages there with its default settings; see
    ///     Tests/Tools/beside-firewall.
    ///   - ownMounts: whether what it mounts is seen by it alone.
    func script(
        _ text: String,
        beside firewall: String? = nil,
        ownMounts: Bool = false,
        within limit: Duration = .seconds(300)
    ) throws -> ToolResult {
        let name = directory.uniqueName("script")
        try directory.write(
            """
            cd \(directory.root)
            ip link set lo up
            ip link add eth0 type veth peer name eth1
            ip link set eth0 up
            ip link set eth1 up
            ip addr add 10.10.0.21/24 dev eth0
            ip route add default dev eth0
            gatehouse=\(try Gateway.binary)
            policy() { $gatehouse policy "$@" --state $PWD/state; }
            apply() { cp $1 site.yaml; shift; policy apply --site site.yaml "$@"; }
            table() { nft list table inet gatehouse; }
            rules=\(Self.tools)/foreign-rules
            unreadable() { \(Self.tools)/unreadable-table "$@"; }
            beside() {
                unshare --net sleep 600 & eval $1=$!; there=$!
                await 'test "$(readlink /proc/$there/ns/net)" != "$(readlink /proc/$$/ns/net)"'
            }
            office() {
                beside peer; ip link set eth1 netns $peer
                nsenter -t $peer --net sh -ec 'ip addr add 203.0.113.7/24 dev eth1; ip link set eth1 up
                    ip route add default dev eth1'
            }
            await() { for n in $(seq 1200); do eval "$1" && return; read -t 0.05 <> <(:); done; echo "never: $1"; exit 99; }
            \(text)
            """,
            to: name
        )
        let beside = firewall.map { ["\(Self.tools)/beside-firewall", $0] } ?? []
        let network = ["--net"] + (ownMounts ? ["--mount"] : [])
        defer { endProcesses() }
        return try run("unshare", network + beside + ["bash", directory.path(name)], in: directory, within: limit)
    }

    /// A script may end while a ruleset waits for its confirmation, for ten minutes more, or while somebody watches.
    private func endProcesses() {
        let end = "for id in $(pgrep -f '[-]-state \(directory.root)/'); do kill -9 $id; done"
        _ = try? run("sh", ["-c", end], in: directory)
    }

    private static func site(more: String = "", port: Int = 22, also: String = "") -> String {
        """
        site: foobar.com
        networks:
          office: [203.0.113.0/24, 192.0.2.8/29, 192.0.2.32/29, 192.0.2.64/29, 192.0.2.96/29, 192.0.2.128/29\(more)]
        hosts:
          app-01: { roles: [app], addresses: [10.10.0.21/24] }
        services: { ssh: tcp/\(port), web: tcp/8080 }
        firewall:
          allow:
            - { id: office-in, from: office, to: all, services: [ssh\(also)] }

        """
    }
}
