import Linux

/// What other programs' settings on this machine say, as far as it concerns the firewall. They are only read.
package struct MachineSettings: Sendable {
    let root: String

    /// - Parameter root: the folder that stands for `/`.
    package init(root: String = "") { self.root = root }

    /// The ports on which OpenSSH's daemon is to listen (sshd_config(5)); 22 where none is said. In order.
    package var sshPorts: [UInt16] {
        let folder = "/etc/ssh/sshd_config.d"
        let more = FileListing.names(in: root + folder).filter { $0.hasSuffix(".conf") }.map { "\(folder)/\($0)" }
        let ports = (["/etc/ssh/sshd_config"] + more).flatMap { lines(of: $0) }.compactMap(Self.sshPort)
        return ports.isEmpty ? [22] : Set(ports).sorted()
    }

    /// Whether ufw is to be in force.
    package var isUFWEnabled: Bool { lines(of: "/etc/ufw/ufw.conf").contains("ENABLED=yes") }

    /// What will remove our table; nil when nothing is known to.
    package var flushWarning: String? {
        guard isEnabled("nftables.service") else { return nil }
        let lines = lines(of: "/etc/nftables.conf")
        guard let number = lines.firstIndex(where: Self.flushesEverything) else { return nil }
        return
            "nftables.service is enabled, and line \(number + 1) of /etc/nftables.conf flushes every table, ours too: "
            + "at boot ours is loaded behind it, but when it is started again or reloaded, this machine has none of our "
            + "rules until `gatehouse policy load`. `systemctl disable nftables.service`, or let that file delete its own "
            + "tables alone"
    }

    /// That a boot does not load the rules of a folder; nil when it does, or where no systemd runs that would.
    ///
    /// - Parameter folder: where the rules are; the unit knows the standard one alone.
    package func bootWarning(_ folder: StateFolder) -> String? {
        let unit = "gatehouse-firewall.service"
        // sd_booted(3)
        guard FileWriting.exists("\(root)/run/systemd/system"), folder.path == StateFolder.standard,
            !isEnabled(unit)
        else { return nil }
        return "\(unit) is not enabled: after a boot this machine has none of our rules until `gatehouse policy load`. "
            + "`systemctl enable \(unit)`"
    }

    /// That iptables-legacy has tables in this network, which are asked beside ours and which nf_tables does not list; nil
    /// when it has none.
    package var legacyWarning: String? {
        let tables = [("iptables-legacy", "ip_tables_names"), ("ip6tables-legacy", "ip6_tables_names")].compactMap {
            (program, file) -> String? in
            let bytes = (try? FileReading.readStream("\(root)/proc/net/\(file)", limit: 1 << 16)) ?? []
            let names = String(decoding: bytes, as: UTF8.self).split(separator: "\n").sorted()
            return names.isEmpty ? nil : "\(program) (\(names.joined(separator: ", ")))"
        }
        guard !tables.isEmpty else { return nil }
        return "there are tables of \(tables.joined(separator: " and ")), which nft does not list: what they drop or "
            + "send elsewhere is not known here, and nothing that is said of packets counts with them, not even who would be "
            + "let in. "
            + "`iptables-legacy-save` shows them; `update-alternatives --config iptables` has iptables write what nft lists"
    }

    /// What a setting of the kernel says (sysctl(8)) in this network; nil where there is none.
    func number(of name: String) -> String? {
        let path = "\(root)/proc/sys/" + name.split(separator: ".").joined(separator: "/")
        guard let bytes = try? FileReading.readStream(path, limit: 16) else { return nil }
        return String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace).first.map(String.init)
    }

    /// `flush ruleset`, perhaps with a family: that of our table is inet.
    private static func flushesEverything(_ line: Substring) -> Bool {
        let code = line.prefix { $0 != "#" }.split(separator: ";")
        return code.contains { statement in
            let words = statement.split { $0 == " " || $0 == "\t" }
            return words.starts(with: ["flush", "ruleset"]) && (words.count == 2 || words[2] == "inet")
        }
    }

    /// Whether another unit asks for it (`systemctl enable`), and it is not masked.
    private func isEnabled(_ unit: String) -> Bool {
        let folder = "\(root)/etc/systemd/system"
        let own = lines(of: "/etc/systemd/system/\(unit)")
        let isMasked = FileWriting.isLink("\(folder)/\(unit)") && own.allSatisfy(\.isEmpty)
        return !isMasked
            && FileListing.names(in: folder).contains { name in
                [".wants", ".requires"].contains(where: name.hasSuffix)
                    && FileWriting.isLink("\(folder)/\(name)/\(unit)")
            }
    }

    private static func sshPort(_ line: Substring) -> UInt16? {
        let words = line.split { $0 == " " || $0 == "\t" || $0 == "=" }
        guard words.count >= 2 else { return nil }
        let value: Substring
        switch words[0].lowercased() {
        case "port": value = words[1]
        case "listenaddress":
            // `ADDRESS:PORT` or `[ADDRESS]:PORT`; an address of IPv6 alone has colons as well.
            let parts = words[1].split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 2 || words[1].contains("]:"), let last = parts.last else { return nil }
            value = last
        default: return nil
        }
        return UInt16(value).flatMap { $0 > 0 ? $0 : nil }
    }

    /// The lines of a file, also empty ones; an empty one when it is not there, or cannot be read.
    private func lines(of path: String) -> [Substring] {
        let bytes = (try? FileReading.read(root + path, limit: 1 << 20)) ?? []
        return String(decoding: bytes, as: UTF8.self).split(
            omittingEmptySubsequences: false,
            whereSeparator: \.isNewline
        )
    }
}
