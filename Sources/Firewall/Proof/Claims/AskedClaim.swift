/// A claim as judges are asked about it.
struct AskedClaim: Sendable {
    let claim: Claim
    /// The claim's, but for hosts that get nothing from its line.
    let sources: AddressSet
    /// The place of the sources among the large sets that all ends know already; nil for what is no large set.
    let place: Int?

    /// From so many ranges on a set is large: not worth making anew at each end of a site.
    private static let large = 64
    /// So many ranges all large sets may have together: each thread copies them.
    private static let most = 500_000

    /// - Parameter idle: for each claim the addresses of hosts that get nothing from its line.
    /// - Returns: the claims, and the large sets that they name by their places.
    static func all(_ claims: [Claim], idle: [AddressSet]) -> (claims: [AskedClaim], large: [AddressSet]) {
        var large: [AddressSet] = []
        var places: [AddressSet: Int] = [:]
        var left = Self.most
        let asked = zip(claims, idle).map { claim, idle in
            let sources = claim.sources.subtracting(idle)
            let count = sources.v4.ranges.count + sources.v6.ranges.count
            var place = count >= Self.large ? places[sources] : nil
            if place == nil, (Self.large...max(Self.large, left)).contains(count) {
                place = large.count
                places[sources] = place
                large.append(sources)
                left -= count
            }
            return AskedClaim(claim: claim, sources: sources, place: place)
        }
        return (asked, large)
    }
}
