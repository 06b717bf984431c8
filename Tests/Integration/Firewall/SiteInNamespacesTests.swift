import Firewall
import Testing

/// The reference site with its firewalls in force: what gets through is what the policy says, and nothing else.
@Suite("The site in network namespaces", .patient, .enabled(if: SiteInNamespaces.isPossible), .serialized)
struct SiteInNamespacesTests {
    /// Built once; everything is torn down again before the first test looks at what came of it.
    private static let built = Result { try SiteInNamespaces() }

    private let site: SiteInNamespaces

    init() throws { site = try Self.built.get() }

    @Test(
        "without firewalls every machine reaches every other on every port, so that what is stopped is stopped by them"
    )
    func unprotected() {
        #expect(!site.probes.isEmpty && site.results.before.matrix.count == site.probes.count)
        let closed = zip(site.probes, site.results.before.matrix).filter { $0.1 != "open" }
        #expect(closed.isEmpty, "\(closed.count) of \(site.probes.count): \(closed.prefix(5))")
        #expect(site.results.before.scan.count == 2)
        for (address, scan) in site.results.before.scan { #expect(scan.answered == 65_535, "\(address)") }
        #expect(site.results.ended.isEmpty, "\(site.results.ended)")
    }

    @Test("every pair of machines, on every port, by TCP, UDP and echo, IPv4 and IPv6: as the policy says at both ends")
    func matrix() {
        #expect(site.results.after.matrix.count == site.probes.count)
        var open = 0
        for (probe, answer) in zip(site.probes, site.results.after.matrix) {
            let ends = site.ends(probe)
            let verdict = ends.verdict(site.intent)
            let wanted: String? = verdict == .accept ? "open" : verdict == .reject ? "refused" : nil
            #expect(answer == wanted, "\(probe)")
            let outcomes = ends.outcomes(site.held)
            #expect(outcomes == (verdict == .accept ? .accept : .drop), "what the kernels hold: \(probe)")
            if answer == "open" { open += 1 }
        }
        print("the site in namespaces: \(open) of \(site.probes.count) connections got through; \(site.results.times)")
    }

    @Test(
        "what the issue of the site says in words",
        arguments: [
            ("internet", "lb-01", 443, true), ("internet", "lb-01", 22, false), ("internet", "lb-01", 8080, false),
            ("office", "lb-01", 22, true), ("lb-01", "app-02", 8080, true), ("lb-01", "db-01", 3306, false),
            ("app-01", "db-01", 3306, true), ("app-02", "db-02", 3306, true), ("app-01", "app-02", 8080, false),
            ("db-02", "db-01", 3306, true), ("db-01", "db-02", 3306, false), ("internet", "db-01", 3306, false),
            ("office", "db-01", 3306, false), ("db-01", "internet", 443, false), ("app-01", "office", 22, false),
        ]
    )
    func words(source: String, target: String, port: UInt16, isOpen: Bool) {
        var answers: [String?] = []
        for (probe, answer) in zip(site.probes, site.results.after.matrix)
        where probe.protocol == "tcp" && probe.machine == source && probe.target == target && probe.port == port {
            answers.append(answer)
        }
        #expect(answers.count >= 2)
        // One of two addresses of the gateway is on the other side, where a stranger's packet is taken for a forgery.
        #expect(answers.contains("open") == isOpen, "\(answers)")
    }

    @Test("of all 65,535 ports of the gateway's addresses 80 and 443 answer the internet, and no other")
    func scan() {
        #expect(site.results.after.scan.count == 2)
        for (address, scan) in site.results.after.scan {
            #expect(scan.open == [80, 443] && scan.answered == 2, "\(address): \(scan)")
        }
    }

    @Test(
        "https://foobar.com shows the internet what MySQL holds, by each app server, from the primary and the replica"
    )
    func pages() {
        let good = site.results.pages.filter { $0.contains(SiteInNamespaces.goods) }
        for app in ["app-01", "app-02"] {
            #expect(good.contains { $0.lowercased().contains("x-served-by: \(app)") }, "\(site.results.pages)")
        }
    }
}
