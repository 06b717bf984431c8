import Firewall
import Site

/// One input: what a kernel lists as JSON.
///
/// What must hold, or it traps: reading ends in a ruleset or an error; the walk of a packet and the algebra come to the
/// same outcomes, and to some.
@c(LLVMFuzzerTestOneInput)
public func fuzzHeld(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    // Sound: libFuzzer lends `count` bytes for the length of this call.
    let bytes = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    guard let ruleset = try? HeldRuleset(json: bytes) else { return 0 }
    let evaluator = HeldEvaluator(ruleset)
    for path in PacketPath.allCases {
        let route = PacketRoute(path, by: "eth0", to: "eth1")
        var packet = Packet(route, from: .v4(0x0A00_0009), to: .v4(0x0A00_0001), .tcp, detail: 22)
        packet.sourcePort = 40000
        let outcomes = evaluator.outcomes(packet)
        precondition(!outcomes.isEmpty && outcomes.isSubset(of: [.accept, .drop]), "a packet has an end")
        let store = DiagramStore(limit: 100_000, steps: 1_000_000)
        var space = HeldSpace(ruleset, in: store)
        // More pieces than the store holds is an honest answer.
        guard let function = try? space.outcomes(path) else { continue }
        precondition(store.value(function, at: Coordinates(packet)) == outcomes.rawValue, "the two disagree")
    }
    return 0
}
