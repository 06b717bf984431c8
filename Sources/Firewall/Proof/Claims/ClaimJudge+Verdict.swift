extension ClaimJudge {
    /// What was found of a claim: its answer is not "proved".
    struct Finding: Sendable {
        /// Whether it is about connections that ought to be let through, and not about those that ought not.
        let isOfAllowed: Bool
        let answer: ProofAnswer
        /// As the source meant it; nil where there are too many packets to tell one.
        let packet: Packet?
        let place: SiteHosts.Place
        /// Where the packet ends.
        let end: SiteEnd
        let reason: String
        /// The host by one of whose addresses by DHCP the source stands; nil where the site file gives it.
        var leasedSource: Int?
    }

    /// What became of a claim at one place.
    struct Verdict: Sendable {
        /// None where the claim holds.
        var findings: [Finding] = []
        /// Where all of an `allow` that ends here is stopped, as it may be: a packet of it, and who stops it.
        var taken: Finding?
        /// Whether something of an `allow` is let through here.
        var lets = false
        /// Whether any connection of the claim ends here.
        var isAsked = false

        /// What is found of more connections that end at the same place.
        mutating func add(_ more: Self) {
            findings += more.findings
            taken = taken ?? more.taken
            lets = lets || more.lets
            isAsked = isAsked || more.isAsked
        }
    }
}
