/// The order in which a pool's servers take requests: smooth weighted round robin, worked out for one
/// whole round, so that workers share it through a cursor alone.
///
/// In any window as long as the sum of weights (by their greatest common divisor), each server stands
/// exactly as often as its weight says. The order is the one that adding every weight at each step and
/// taking the whole sum from the largest gives: a server's turns are spread as evenly as they can be.
package struct Schedule: Equatable, Sendable {
    /// Indices into the weights, one for each turn of a round. Empty when no weight is above 0.
    package let turns: [UInt16]

    /// What making a schedule may cost, in steps; weights are scaled down beyond it.
    private static let bound = 16_000_000

    /// - Parameter weights: 0 and above, 65,535 of them at most.
    package init(weights: [Int]) {
        let divisor = weights.reduce(0, Self.greatestCommonDivisor)
        guard divisor > 0 else {
            turns = []
            return
        }
        var reduced = weights.map { $0 / divisor }
        let total = reduced.reduce(0, +)
        if total * weights.count > Self.bound {
            let most = max(weights.count, Self.bound / weights.count)
            reduced = reduced.map { $0 == 0 ? 0 : max(1, $0 * most / total) }
        }
        turns = Self.spread(reduced)
    }

    private static func spread(_ weights: [Int]) -> [UInt16] {
        let sum = weights.reduce(0, +)
        var current = Array(repeating: 0, count: weights.count)
        var order: [UInt16] = []
        order.reserveCapacity(sum)
        for _ in 0..<sum {
            var best = -1
            for index in weights.indices where weights[index] > 0 {
                current[index] += weights[index]
                if best < 0 || current[index] > current[best] { best = index }
            }
            current[best] -= sum
            order.append(UInt16(best))
        }
        return order
    }

    private static func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int {
        var (a, b) = (a, b)
        while b != 0 { (a, b) = (b, a % b) }
        return a
    }
}
