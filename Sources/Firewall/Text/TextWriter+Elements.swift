import Site

extension TextWriter {
    /// A value or a range, as it stands in sets and after matches.
    mutating func write(_ key: ElementKey) {
        switch key {
        case .v4(let range): addresses(range, width: 32) { $0.writeV4($1) }
        case .v6(let range): addresses(range, width: 128) { $0.writeV6($1) }
        case .ports(let range): numbers(range)
        case .service(let number, let range):
            write(number)
            put(" . ")
            numbers(range)
        case .protocols(let range):
            guard range.count == 1 else { return numbers(range) }
            write(ProtocolNumber(rawValue: range.lowerBound))
        case .types(let range): numbers(range)
        case .codes(let type, let range):
            put(type)
            put(" . ")
            numbers(range)
        case .interface(let name): put("\"\(Word.safe(name))\"")
        case .state(let state): put("\(state)")
        }
    }

    /// One line for each element: a change of one is a change of one line. One of a verdict map that leads to a chain of one
    /// rule is told by that chain's name; one that leads to several says in a comment to which, in maps that a person may
    /// read through: more comments would take a fifth of the time to load and to list. What is in a set the rule says that
    /// asks for it.
    mutating func write(_ elements: [Element]) {
        let isCommented = elements.count <= 32
        for index in elements.indices {
            let element = elements[index]
            put("\t\t\t")
            write(element.key)
            if let verdict = element.verdict {
                if isCommented, element.label == nil, let comment = element.note {
                    put(" comment \"\(Word.comment(comment))\"")
                }
                put(" : ")
                write(verdict)
            }
            if index < elements.count - 1 { put(",") }
            end(element.label)
        }
    }

    mutating func write(_ verdict: Verdict) {
        switch verdict {
        case .accept: put("accept")
        case .drop: put("drop")
        case .leave: put("return")
        case .jump(let chain): put("jump \(chain)")
        case .goto(let chain): put("goto \(chain)")
        }
    }

    mutating func write(_ number: ProtocolNumber) {
        switch number {
        case .tcp: put("tcp")
        case .udp: put("udp")
        case .icmp: put("icmp")
        case .icmpv6: put("ipv6-icmp")
        case .sctp: put("sctp")
        default: put(number.rawValue)
        }
    }

    mutating func write(_ address: IPAddress) {
        switch address {
        case .v4(let bits): writeV4(bits)
        case .v6(let bits): writeV6(bits)
        }
    }

    private mutating func numbers<Number: UnsignedInteger & FixedWidthInteger>(_ range: ClosedRange<Number>) {
        put(range.lowerBound)
        guard range.lowerBound < range.upperBound else { return }
        put("-")
        put(range.upperBound)
    }

    /// A single address, a network in CIDR notation where the range is one, else first and last.
    private mutating func addresses<Bits: UnsignedInteger & FixedWidthInteger>(
        _ range: ClosedRange<Bits>,
        width: UInt8,
        _ write: (inout TextWriter, Bits) -> Void
    ) {
        write(&self, range.lowerBound)
        guard range.lowerBound < range.upperBound else { return }
        // A network's first and last address differ in the host bits alone, which are 0 in one and 1 in the other.
        let host = range.lowerBound ^ range.upperBound
        if host & (host &+ 1) == 0, range.lowerBound & host == 0 {
            put("/")
            put(width - UInt8(Bits.bitWidth - host.leadingZeroBitCount))
        } else {
            put("-")
            write(&self, range.upperBound)
        }
    }

    private mutating func writeV4(_ bits: UInt32) {
        put(UInt8(truncatingIfNeeded: bits >> 24))
        put(".")
        put(UInt8(truncatingIfNeeded: bits >> 16))
        put(".")
        put(UInt8(truncatingIfNeeded: bits >> 8))
        put(".")
        put(UInt8(truncatingIfNeeded: bits))
    }

    /// With the longest run of zeros left out, as RFC 5952 has it; never with a part in IPv4's notation.
    private mutating func writeV6(_ bits: UInt128) {
        var longest = 0..<0
        var start = 0
        let group = { (index: Int) in UInt16(truncatingIfNeeded: bits >> UInt128(112 - 16 * index)) }
        for index in 0...8 where index == 8 || group(index) != 0 {
            if index - start > max(longest.count, 1) { longest = start..<index }
            start = index + 1
        }
        var index = 0
        while index < 8 {
            if index == longest.lowerBound, !longest.isEmpty {
                put("::")
                index = longest.upperBound
                continue
            }
            if index > 0, index != longest.upperBound || longest.isEmpty { put(":") }
            put(hex: group(index))
            index += 1
        }
    }
}
