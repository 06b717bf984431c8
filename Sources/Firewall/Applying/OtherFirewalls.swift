package import Site

/// Other programs that write rules on this machine, and what theirs mean for ours.
package enum OtherFirewalls {
    /// What is known of the machine without asking any service.
    package struct Facts: Sendable {
        /// Names of running processes.
        package var processes: Set<String> = []
        /// Whether /etc/ufw/ufw.conf says ENABLED=yes.
        package var isUFWEnabled = false
        /// What `list ruleset` prints as JSON; nil when it could not be had.
        package var listing: JSONValue?

        package init() {}
    }

    /// Sentences for the operator, each with what is changed and what to do; empty when ours are the only rules.
    package static func warnings(_ facts: Facts) -> [String] {
        var warnings: [String] = []
        if facts.processes.contains("firewalld") {
            warnings.append(
                "firewalld is running: a packet must be accepted by its rules and by ours; its reload replaces its own "
                    + "table alone. Two firewalls are hard to reason about: `systemctl disable --now firewalld`"
            )
        }
        if facts.isUFWEnabled {
            warnings.append(
                "ufw is enabled: a packet must be accepted by its rules and by ours, and it loads its own at boot: "
                    + "`ufw disable`"
            )
        }
        if facts.processes.contains("dockerd") {
            warnings.append(
                "Docker is running: it forwards packets to containers and publishes their ports by rules of its own; "
                    + "our forward chain drops what the site file does not allow, containers' traffic too"
            )
        }
        return warnings + foreignChains(facts.listing)
    }

    /// Base chains of other tables on the hooks of packets: accept is final only inside one chain, drop is final.
    private static func foreignChains(_ listing: JSONValue?) -> [String] {
        guard let listing else {
            return ["the rules of other tables cannot be listed: whether they drop what ours accept is not known"]
        }
        return (listing["nftables"]?.items ?? []).compactMap { entry in
            guard let chain = entry["chain"], let hook = chain["hook"]?.text, let family = chain["family"]?.text,
                let table = chain["table"]?.text, let name = chain["name"]?.text,
                "\(family) \(table)" != TableName.own.description,
                ["input", "forward", "output", "prerouting", "ingress"].contains(hook),
                chain["type"]?.text == "filter"
            else { return nil }
            let policy = chain["policy"]?.text == "drop" ? "drops what it does not accept" : "may drop packets"
            return "table \(family) \(table) is not ours and has chain \(name) on hook \(hook), which \(policy), "
                + "whatever our rules accept"
        }
    }
}
