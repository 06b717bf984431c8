import Firewall
import Testing

@Suite("Sets of intervals")
struct IntervalSetTests {
    private typealias Bytes = IntervalSet<UInt8>

    @Test("a set has one form, whatever it was made of")
    func canonical() {
        #expect(Bytes([5...7, 1...2, 3...4]).ranges == [1...7])
        #expect(Bytes([0...255, 255...255, 3...4]).ranges == [0...255])
        #expect(Bytes([1...9, 2...3]).ranges == [1...9])
        #expect(Bytes([1...1, 3...3]).ranges == [1...1, 3...3])
    }

    @Test("the ends of the numbers are numbers like others")
    func ends() {
        #expect(Bytes.all.complement.isEmpty)
        #expect(Bytes().complement.isAll)
        #expect(Bytes(0).complement.ranges == [1...255])
        #expect(Bytes(255).complement.ranges == [0...254])
        #expect(Bytes([0...0, 255...255]).complement.ranges == [1...254])
    }

    @Test("every operation agrees with membership, number by number")
    func operations() {
        let seed = Soak.drawnSeed(of: "sets of intervals")
        var generator = Seeded(state: seed)
        for _ in 0..<100 {
            let (one, two) = (Self.sample(&generator), Self.sample(&generator))
            for number in UInt8.min...UInt8.max {
                let (left, right) = (one.contains(number), two.contains(number))
                #expect(one.union(two).contains(number) == (left || right), "seed \(seed)")
                #expect(one.intersection(two).contains(number) == (left && right), "seed \(seed)")
                #expect(one.subtracting(two).contains(number) == (left && !right), "seed \(seed)")
                #expect(one.complement.contains(number) == !left, "seed \(seed)")
            }
            #expect(one.intersects(two) == !one.intersection(two).isEmpty, "seed \(seed)")
            #expect(one.isSubset(of: two) == (one.union(two) == two), "seed \(seed)")
        }
    }

    private static func sample(_ generator: inout Seeded) -> Bytes {
        Bytes(
            (0..<Int.random(in: 0...4, using: &generator)).map { _ in
                let ends = (0..<2).map { _ in UInt8.random(in: 0...255, using: &generator) }
                return min(ends[0], ends[1])...max(ends[0], ends[1])
            }
        )
    }
}
