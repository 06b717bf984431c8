import Site

/// Other programs that write rules on this machine, and what theirs mean for ours.
package enum OtherFirewalls {
    /// What is known of the machine without asking any service.
    package struct Facts: Sendable {
        /// Names of processes that run in the network of the rules.
        package var processes: Set<String> = []
        package var settings = MachineSettings()
        /// Whether it is told already that our forward chain drops what this machine passes on.
        package var isPassingTold = false
        /// What the kernel holds.
        package var listing = HeldListing()

        package init() {}
    }

    /// Sentences for the operator, each with what is changed and what to do; empty when ours are the only rules.
    package static func warnings(_ facts: Facts) -> [String] {
        let foreign = facts.listing.foreign
        let programs = programs.compactMap { program -> String? in
            let tables = foreign.tables.filter { program.wrote($0.key, $0.value) }.keys.sorted()
            let runs = facts.processes.contains(program.process) || program.name == "ufw" && facts.settings.isUFWEnabled
            guard runs || !tables.isEmpty else { return nil }
            let active = program.name == "ufw" ? "is enabled" : "is running"
            let state = runs ? active : "does not run, and its rules are in force all the same"
            let place = tables.isEmpty ? "" : " (table \(tables.joined(separator: ", ")))"
            let passed = facts.isPassingTold ? nil : program.passed
            let loss = passed.map { "; our forward chain drops what the site file does not allow, \($0) too" } ?? ""
            return "\(program.name) \(state)\(place): \(program.change)\(loss)"
        }
        let others = [facts.settings.flushWarning, facts.settings.legacyWarning].compactMap(\.self)
        return programs + others + foreign.tables.keys.sorted().compactMap { warning(of: $0, foreign) }
    }

    /// A program that is known by its process, by a table's name, or by how its chains' names begin.
    private struct Program {
        let name: String
        let process: String
        var tables: Set<String> = []
        var chains: [String] = []
        let change: String
        /// What of it our forward chain drops.
        var passed: String?

        func wrote(_ table: String, _ objects: [JSONValue]) -> Bool {
            if let name = table.split(separator: " ").last, tables.contains(String(name)) { return true }
            return objects.contains { object in
                guard let name = object["chain"]?["name"]?.text else { return false }
                return chains.contains { name.hasPrefix($0) }
            }
        }
    }

    private static let publishing =
        "it publishes ports of containers by changing where packets go, so that our input rules never see them, and forwards"

    private static let programs = [
        Program(
            name: "firewalld",
            process: "firewalld",
            tables: ["firewalld"],
            change: "a packet must be accepted by its rules and by ours; its reload replaces its own "
                + "table alone. Two firewalls are hard to reason about: `systemctl disable --now firewalld`"
        ),
        Program(
            name: "ufw",
            process: "ufw",
            chains: ["ufw-", "ufw6-"],
            change: "a packet must be accepted by its rules and by ours, and it loads its own at boot: `ufw disable`"
        ),
        Program(
            name: "Docker",
            process: "dockerd",
            tables: ["docker-bridges"],
            chains: ["DOCKER"],
            change: publishing,
            passed: "containers' traffic"
        ),
        Program(
            name: "Podman",
            process: "netavark",
            tables: ["netavark"],
            chains: ["NETAVARK"],
            change: publishing,
            passed: "containers' traffic"
        ),
        Program(
            name: "kube-proxy",
            process: "kube-proxy",
            tables: ["kube-proxy"],
            chains: ["KUBE-"],
            change: "it changes where packets to services go before our rules see them",
            passed: "pods' traffic"
        ),
        Program(
            name: "libvirt",
            process: "libvirtd",
            tables: ["libvirt_network"],
            chains: ["LIBVIRT_"],
            change: "it forwards for virtual machines by rules of its own",
            passed: "theirs"
        ),
        Program(
            name: "fail2ban",
            process: "fail2ban-server",
            tables: ["f2b-table"],
            chains: ["f2b-"],
            change: "it drops what comes from addresses that it bans, whatever our rules accept"
        ),
    ]

    /// Base chains of another table on the hooks of packets: accept is final only inside one chain, drop is final.
    private static func warning(of table: String, _ foreign: HeldListing) -> String? {
        let chains = (foreign.tables[table] ?? []).compactMap { object -> String? in
            guard let chain = object["chain"], let hook = chain["hook"]?.text, let name = chain["name"]?.text,
                ["input", "forward", "output", "prerouting", "postrouting", "ingress", "egress"].contains(hook),
                chain["type"]?.text == "filter"
            else { return nil }
            let policy = chain["policy"]?.text == "drop" ? ", which drops what it does not accept" : ""
            return "chain \(name) on hook \(hook)\(policy)"
        }
        let unread = foreign.unread[table].map { "; \($0), so what they do is not known" } ?? ""
        guard !chains.isEmpty else { return foreign.unread[table].map { "table \(table) is not ours: \($0)" } }
        let list = chains.joined(separator: ", ")
        return "table \(table) is not ours and may drop what our rules accept: \(list)\(unread)"
    }
}
