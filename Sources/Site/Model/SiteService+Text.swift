extension SiteService: CustomStringConvertible {
    /// Whether a word is an attempt at a transport with a port rather than at a name.
    static func isMeant(by word: String) -> Bool {
        word.contains("/") || word.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }

    /// Reads `tcp/443` or `udp/60000-61000`.
    package init(text: String) throws(ValueFault) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { throw ValueFault("is no service", help: "write it like `tcp/443`") }
        guard let transport = Transport(rawValue: String(parts[0])) else {
            throw ValueFault("has an unknown transport", help: "write `tcp/\(parts[1])` or `udp/\(parts[1])`")
        }
        let bounds = parts[1].split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        let ports = bounds.compactMap(Self.port)
        guard ports.count == bounds.count, let first = ports.first, let last = ports.last else {
            throw ValueFault("has no good port", help: "ports are numbers from 1 to 65535")
        }
        guard first <= last else {
            throw ValueFault("has its range the wrong way round", help: "write the smaller first")
        }
        self.init(transport, first...last)
    }

    private static func port(_ text: Substring) -> UInt16? {
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), text.first != "0", let port = UInt16(text) else {
            return nil
        }
        return port
    }

    /// As a site file writes it.
    package var description: String {
        "\(transport.rawValue)/\(ports.lowerBound)" + (ports.count > 1 ? "-\(ports.upperBound)" : "")
    }
}
