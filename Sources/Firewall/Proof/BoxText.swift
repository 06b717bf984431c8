extension Box {
    /// The box in words: `tcp/3306 from 10.10.0.21 to any address in by eth0`. What is not said is as it usually is: new,
    /// a SYN, without oddities, by any interface but lo.
    var text: String {
        let isSix = !isFree(.family) && self[.family].first == 1
        func addresses(_ four: Dimension, _ six: Dimension) -> String {
            let v4 = IntervalSet(self[four].ranges.map { UInt32($0.lowerBound)...UInt32($0.upperBound) })
            guard !isFree(.family) else { return AddressSet(v4: v4, v6: self[six]).text }
            return (isSix ? AddressSet(v6: self[six]) : AddressSet(v4: v4)).text
        }
        let kinds = self[.traffic].ranges.map { UInt32($0.lowerBound)...UInt32($0.upperBound) }
        let traffic = TrafficSet(kinds: IntervalSet(kinds)).text
        var text = "\(traffic) from \(addresses(.source4, .source6)) to \(addresses(.destination4, .destination6))"
        for (dimension, word) in [(Dimension.inputInterface, "in by"), (.outputInterface, "out by")] {
            if let names = interfaceText(dimension) { text += " \(word) \(names)" }
        }
        return text + conditionText
    }

    /// The names, or those that are left out; nil where none but `lo` is.
    private func interfaceText(_ dimension: Dimension) -> String? {
        guard !isFree(dimension) else { return nil }
        func names(_ set: IntervalSet<UInt128>) -> [String]? {
            guard set.ranges.allSatisfy({ $0.lowerBound == $0.upperBound }) else { return nil }
            return set.ranges.map { InterfaceName.text($0.lowerBound) }
        }
        if let among = names(self[dimension]) { return among.cut(6) }
        // 0 is no interface.
        let others = self[dimension].union(IntervalSet(0)).complement
        guard let except = names(others) else { return "some interfaces" }
        return Set(except).subtracting(["lo"]).isEmpty ? nil : "any but \(except.filter { $0 != "lo" }.cut(6))"
    }

    /// States, flags and oddities, where they are not the usual ones.
    private var conditionText: String {
        var words: [String] = []
        if !isFree(.state), self[.state] != IntervalSet(0) {
            let states = ConnectionState.allCases.filter { self[.state].contains(UInt128($0.rawValue)) }
            words.append(states.map { "\($0)" }.joined(separator: " or "))
        }
        if !isFree(.tcpFlags), self[.tcpFlags] != IntervalSet(0x02) {
            let flags = IntervalSet(self[.tcpFlags].ranges.map { UInt8($0.lowerBound)...UInt8($0.upperBound) })
            words.append("TCP flags " + FlagCubes.cover(flags).map(TCPFlags.text).cut(4))
        }
        if !isFree(.oddities) {
            let oddities = (0...Dimension.oddities.last).filter(self[.oddities].contains)
            let common = oddities.reduce(Dimension.oddities.last, &)
            words += PacketOddities(rawValue: UInt8(truncatingIfNeeded: common)).words
        }
        if !isFree(.redirected) {
            words += self[.redirected] == IntervalSet(1) ? PacketOddities.redirected.words : ["sent here as it came"]
        }
        return words.map { ", \($0)" }.joined()
    }
}
