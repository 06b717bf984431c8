package import Site

/// Whom to ask: the servers of the site file, else those of /etc/resolv.conf (resolv.conf(5)).
package enum NameServers {
    /// As many as libc asks.
    package static let most = 3

    /// Each as `ADDRESS:PORT` or `[ADDRESS]:PORT`; the local host when nobody is named, as libc has it.
    package static func list(_ configured: [NameServer], resolvConf text: String) -> [String] {
        let servers = configured.isEmpty ? system(text) : configured
        return servers.isEmpty ? ["127.0.0.1:53"] : servers.map(\.description)
    }

    /// Addresses with a zone (`fe80::1%eth0`) are left out: c-ares before 1.28 does not know them.
    private static func system(_ text: String) -> [NameServer] {
        let found = text.split(whereSeparator: \.isNewline).compactMap { line -> NameServer? in
            let words = line.split { $0 == " " || $0 == "\t" }
            guard words.count >= 2, words[0] == "nameserver" else { return nil }
            return IPAddress(String(words[1])).map { NameServer(address: $0) }
        }
        return Array(found.prefix(most))
    }
}
