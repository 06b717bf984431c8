import Testing

/// The firewall's units and its watchdog, under the real systemd.
@Suite(
    "The firewall under systemd",
    .longest,
    .enabled(if: SystemdMachine.hindrance == nil, Comment(rawValue: SystemdMachine.hindrance ?? "")),
    .serialized
)
struct FirewallUnitTests {
    private let machine: SystemdMachine
    private let apply = "gatehouse policy apply --site site.yaml --keep 203.0.113.7"

    init() throws {
        machine = try SystemdMachine()
        try machine.write(Self.site, to: "/root/site.yaml")
        try machine.succeed(
            """
            ip link add eth0 type veth peer name eth1 && ip addr add 10.10.0.21/24 dev eth0
            ip link set eth1 up && ip link set eth0 up && ip route add default dev eth0
            """
        )
    }

    private static let site = """
        site: foobar.com
        networks: { office: [203.0.113.0/24] }
        hosts: { app-01: { roles: [app], addresses: [10.10.0.21/24] } }
        services: { ssh: tcp/22, web: tcp/8080 }
        firewall:
          allow:
            - { from: office, to: all, services: [ssh] }
            - { from: office, to: all, services: [web], expires: 2036-12-24T18:00:00Z }

        """

    @Test("the watchdog is a unit of its own: it outlives the session, and undoes what nobody confirms")
    func watchdog() throws {
        try machine.succeed("\(apply) --confirm-within 300s")
        let unit = "gatehouse-firewall-watchdog-1"
        #expect(try machine.command("systemctl is-active \(unit)").output == "active\n")
        #expect(try machine.command("systemctl show --value -p ControlGroup \(unit)").output.contains(unit))
        try machine.succeed("gatehouse policy rollback")
        try eventually("it ends when there is nothing left to watch", within: .seconds(120)) {
            try machine.command("systemctl is-active \(unit)").output != "active\n"
        }
        try machine.succeed("\(apply) --confirm-within 1s")
        try eventually("nobody confirmed it, and the table is gone", within: .seconds(120)) {
            try machine.command("nft list tables").output.isEmpty
        }
        try eventually("the status says why", within: .seconds(120)) {
            try machine.command("gatehouse policy status").output.contains("nobody confirmed it in time")
        }
    }

    @Test("a watchdog that is killed is started again, and undoes at the same moment")
    func killedWatchdog() throws {
        try machine.succeed("\(apply) --confirm-within 40s")
        let unit = "gatehouse-firewall-watchdog-1"
        for _ in 0..<6 {
            let first = try machine.show("MainPID", of: unit)
            try machine.succeed("kill -9 \(first)")
            try eventually("there is another one", within: .seconds(120)) {
                !["0", first].contains(try machine.show("MainPID", of: unit))
            }
        }
        try eventually("nobody confirmed it, and the table is gone", within: .seconds(120)) {
            try machine.command("nft list tables").output.isEmpty
        }
        try eventually("the status says why", within: .seconds(120)) {
            try machine.command("gatehouse policy status").output.contains("nobody confirmed it in time")
        }
        try eventually("it has ended", within: .seconds(120)) {
            try machine.command("systemctl is-active \(unit)").output != "active\n"
        }
    }

    @Test("the boot unit closes a machine on which nobody knows what was confirmed, and fails")
    func closed() throws {
        try machine.succeed("\(apply) --confirm-within 0s")
        try machine.succeed(
            "cd /var/lib/gatehouse/firewall && : > state.json && : > confirmed.nft && nft flush ruleset"
        )
        #expect(try machine.command("systemctl start gatehouse-firewall.service").status != 0)
        #expect(try machine.show("ActiveState", of: "gatehouse-firewall.service") == "failed")
        #expect(try machine.command("nft list table inet gatehouse").output.contains("closed: ssh"))
        let journal = try machine.command("journalctl --no-pager -u gatehouse-firewall.service").output
        #expect(journal.contains("state.json is damaged") && journal.contains("closed, but for SSH"), "\(journal)")
    }

    @Test("the boot unit loads what was confirmed, and a rule that ends by itself ends when it would have")
    func boot() throws {
        try machine.succeed("\(apply) --confirm-within 0s")
        let before = try machine.succeed("nft --stateless list table inet gatehouse")
        #expect(before.contains("meta time < "), "\(before)")
        try machine.succeed("nft flush ruleset && systemctl start gatehouse-firewall.service")
        #expect(try machine.succeed("nft --stateless list table inet gatehouse") == before)
        #expect(try machine.command("gatehouse policy drift").status == 0)
    }

    @Test("the watch's unit tells the journal who changed the rules, and undoes what nobody confirmed or watches")
    func watch() throws {
        let unit = "gatehouse-firewall-watch.service"
        func isTold(_ words: String) throws {
            try eventually("the journal has it: \(words)", within: .seconds(120)) {
                try machine.command("journalctl --no-pager -u \(unit)").output.contains(words)
            }
        }
        // Before anything was applied, too.
        try machine.succeed("systemctl start \(unit)")
        try isTold(": watching")
        try machine.succeed("\(apply) --confirm-within 0s")
        try isTold("by gatehouse (process ")
        try isTold("the kernel holds what was applied again")
        try machine.succeed("nft insert rule inet gatehouse input tcp dport 9 accept")
        try isTold("by nft (process ")
        try isTold("drift: chain input: added")

        let first = try machine.show("MainPID", of: unit)
        try machine.succeed("kill -9 \(first) && gatehouse policy load")
        try eventually("there is another one", within: .seconds(120)) {
            !["0", first].contains(try machine.show("MainPID", of: unit))
        }
        try machine.succeed("sed -i s/8080/8081/ site.yaml && \(apply) --confirm-within 5s")
        try machine.succeed("systemctl stop gatehouse-firewall-watchdog-2")
        try isTold("generation 2 is undone: nobody confirmed it in time, and its watchdog was gone")
        #expect(try machine.command("gatehouse policy drift").status == 0)
        #expect(try !machine.succeed("nft list table inet gatehouse").contains("8081"))
    }

    @Test("who is told of it enables the unit, and the next boot has the rules before the network is up")
    func enabled() throws {
        let unit = "gatehouse-firewall.service"
        let warning = "warning: \(unit) is not enabled"
        let applied = try machine.command("\(apply) --confirm-within 0s")
        #expect(applied.status == 0 && applied.error.contains(warning), "\(applied)")
        #expect(try machine.succeed("gatehouse policy status").contains(warning))
        try machine.succeed("systemctl enable \(unit)")
        #expect(try !machine.succeed("gatehouse policy status").contains(warning))

        // What a machine keeps that is switched off.
        let wants = "systemd/system/sysinit.target.wants"
        let archive = try machine.succeed("tar -C / -cz var/lib/gatehouse etc/\(wants)/\(unit) | base64 -w 0")
        let next = try SystemdMachine { stage, directory in
            try directory.write(archive, to: "kept")
            // Of those in /etc the machine starts none: the host's own are there.
            let local = "'\(stage)/usr/local/lib/\(wants)'"
            let script =
                "base64 -d '\(directory.path("kept"))' | tar -C '\(stage)' -xz && mkdir -p \(local) && mv '\(stage)/etc/\(wants)/\(unit)' \(local)"
            let unpacked = try run("bash", ["-c", script], in: directory)
            guard unpacked.status == 0 else { throw HarnessError("what is kept: \(unpacked)") }
        }
        #expect(try next.show("ActiveState", of: unit) == "active")
        #expect(try next.succeed("nft list table inet gatehouse").contains("tcp dport"))
        let loaded = try Int(next.show("ActiveEnterTimestampMonotonic", of: unit)) ?? 0
        let network = try Int(next.show("ActiveEnterTimestampMonotonic", of: "network-pre.target")) ?? 0
        #expect(0 < loaded && loaded <= network, "\(loaded) \(network)")
    }
}
