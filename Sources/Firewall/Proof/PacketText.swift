package import Site

extension Packet {
    /// The packet on one line: `tcp 203.0.113.7:40000 -> 10.10.0.31:3306 in by eth0, new`.
    package var text: String {
        func end(_ address: IPAddress, _ port: UInt16) -> String {
            guard protocolNumber.hasPorts else { return address.description }
            return address.width == 128 ? "[\(address)]:\(port)" : "\(address):\(port)"
        }
        let traffic = protocolNumber.hasPorts ? protocolNumber.text : trafficText
        var text = "\(traffic) \(end(source, sourcePort)) -> \(end(destination, detail))"
        func name(_ interface: String) -> String {
            interface == HostIntent.unnamedInterface ? "an interface that the site file does not name" : interface
        }
        if let inputInterface { text += " in by \(name(inputInterface))" }
        if let outputInterface { text += " out by \(name(outputInterface))" }
        text += ", \(state)"
        let words = oddityWords
        if let flagText { text += ", TCP flags \(flagText)" }
        return words.isEmpty ? text : text + ", " + words.joined(separator: ", ")
    }

    /// Its TCP flags; nil where they are those of the first segment, or what others of a connection mostly have.
    private var flagText: String? {
        let isUsual = state != .new && oddityWords.isEmpty && Self.usualFlags.contains(tcpFlags)
        guard protocolNumber == .tcp, tcpFlags != 0x02, !isUsual else { return nil }
        return TCPFlags.text(tcpFlags, separator: ",")
    }

    /// Of segments of a connection that is there: with ACK, with PSH besides, and the answer to the first.
    private static let usualFlags: Set<UInt8> = [0x10, 0x18, 0x12]

    /// The packet as an object; an interface that the site file does not name is null.
    package var json: JSONValue {
        var members: [JSONValue.Member] = [
            .init("path", .string(path.rawValue)),
            .init("from", .string(source.description)),
            .init("to", .string(destination.description)),
            .init("protocol", .string(protocolNumber.text)),
        ]
        if protocolNumber.hasPorts {
            members.append(.init("source-port", .integer(Int(sourcePort))))
            members.append(.init("port", .integer(Int(detail))))
        } else if protocolNumber == .icmp || protocolNumber == .icmpv6 {
            members.append(.init("type", .integer(Int(detail >> 8))))
            members.append(.init("code", .integer(Int(detail & 0xFF))))
        }
        func name(_ interface: String) -> JSONValue {
            interface == HostIntent.unnamedInterface ? .null : .string(interface)
        }
        if let inputInterface { members.append(.init("in", name(inputInterface))) }
        if let outputInterface { members.append(.init("out", name(outputInterface))) }
        members.append(.init("state", .string("\(state)")))
        if let flagText { members.append(.init("tcp-flags", .string(flagText))) }
        if !oddities.isEmpty { members.append(.init("oddities", .strings(oddityWords))) }
        return .object(members)
    }

    /// `tcp/22`, `icmp type 8`, `esp`, `ip/99`.
    var trafficText: String {
        TrafficSet(protocolNumber, details: detail...detail).text
    }
}

extension Packet {
    private var oddityWords: [String] {
        guard oddities.contains(.overLimit), let limit else { return oddities.words }
        return oddities.subtracting(.overLimit).words + ["above the limit of \(limit.text)"]
    }
}

extension PacketOddities {
    /// What an ordinary packet does not have, each in words. That an IPv6 packet passed a router is nothing odd.
    var words: [String] {
        let all: [(PacketOddities, String)] = [
            (.withoutReturnPath, "no route back to its source"), (.broadcastSource, "source is broadcast or multicast"),
            (.smallSegments, "announces small segments"), (.overLimit, "above a limit"),
            (.toOwnAddress, "to an address of the host's own"), (.redirected, "sent here by a forwarded port"),
        ]
        return all.filter { isSuperset(of: $0.0) }.map(\.1)
    }
}

extension TrafficSet {
    /// `any traffic`, or a list like `tcp/22, tcp/80-90, icmp type 8, esp`, cut after eight.
    package var text: String {
        if isAll { return "any traffic" }
        var words: [String] = []
        for range in kinds.ranges {
            let (first, last) = (range.lowerBound >> 16, range.upperBound >> 16)
            let isNamed = (first...last).allSatisfy { SiteService.name(ofProtocol: UInt8($0)) != nil }
            if last > first, !isNamed, range.lowerBound & 0xFFFF == 0, range.upperBound & 0xFFFF == 0xFFFF {
                words.append("protocols \(first)-\(last)")
                continue
            }
            for number in first...last {
                let transport = ProtocolNumber(rawValue: UInt8(truncatingIfNeeded: number))
                let low = number == first ? range.lowerBound & 0xFFFF : 0
                let high = number == last ? range.upperBound & 0xFFFF : 0xFFFF
                words.append(Self.text(transport, low, high))
            }
        }
        return words.cut(8)
    }

    private static func text(_ number: ProtocolNumber, _ low: UInt32, _ high: UInt32) -> String {
        if low == 0, high == 0xFFFF { return number.text }
        if number.hasPorts { return "\(number.text)/\(low)" + (low == high ? "" : "-\(high)") }
        guard number == .icmp || number == .icmpv6 else { return number.text }
        let types = "\(number.text) type \(low >> 8)" + (low >> 8 == high >> 8 ? "" : "-\(high >> 8)")
        return low & 0xFF == 0 && high & 0xFF == 0xFF
            ? types : low == 0 || low & 0xFF == 0 ? types : types + " of some codes"
    }
}

extension InterfaceSet {
    var text: String {
        switch self {
        case .among(let names): names.sorted().cut(6)
        case .except(let names): names.isEmpty ? "any interface" : "any but \(names.sorted().cut(6))"
        }
    }
}

extension ConnectionStates {
    var text: String { ConnectionState.allCases.filter(contains).map { "\($0)" }.joined(separator: " or ") }
}

extension [String] {
    /// The words with commas; of too many the first, and how many more there are.
    func cut(_ count: Int) -> String {
        if isEmpty { return "none" }
        return prefix(count).joined(separator: ", ") + (self.count > count ? " and \(self.count - count) more" : "")
    }
}
