import OpenSSL
import Site

/// Orders that are gone on with: what a CA ends late, or issued while nobody was there to take it, and what it issued and is
/// refused here. It counts each order, such as five a week for the same names.
extension CertificateProvider {
    /// One certificate from one CA, as a try asks for it.
    internal struct Request {
        let settings: CertificateSettings
        let names: [String]
        let order: ACMEOrder
        let wishes: ACMEOrder.Wishes
        let accounts: ACMEAccountStore
        /// Why the CA would not see that the names are ours, so that it is not asked to look; nil where nothing is known.
        let obstacle: ACMEProblem?
        /// An order for some of the names will do, where one was made.
        let mayLackNames: Bool
        /// The key of an order that is kept may be known to somebody.
        let wantsNewKey: Bool
        /// Whether a certificate is of use beside what is in force.
        let check: (CertificateBundle) throws(ACMEProblem) -> Void
    }

    /// Seconds that an order may take before another is made.
    private static let longestOrder: Int64 = 86_400
    /// Certificates in a row that are refused here before it is waited.
    private static let mostRefusals = 2
    /// Seconds until the next order then, and the least of them where the certificate in use ends before.
    private static let pauseOfRefusals: (usual: Int64, least: Int64) = (3 * 86_400, 86_400)

    /// What the order gives that was made before, as long as it may come to something; else that of another, which takes its
    /// place once the CA has taken it.
    internal func certificate(_ request: Request) throws(ACMEProblem) -> CertificateBundle {
        let (accounts, name) = (request.accounts, request.settings.name)
        let refusals = accounts.refusals(for: name)
        if !request.wantsNewKey, let kept = accounts.pendingOrder(for: name), isFor(kept, request),
            isFresh(kept, refusals, request.settings), let bundle = try resumed(kept, refusals, request)
        {
            return bundle
        }
        if let obstacle = request.obstacle { throw obstacle }
        return try ordered(request, refusals)
    }

    /// Whether its certificate would be what is wanted now.
    private func isFor(_ kept: PendingOrder, _ request: Request) -> Bool {
        let (names, wanted) = (Set(kept.names), Set(request.names))
        let isForNames = names == wanted || request.mayLackNames && !names.isEmpty && names.isSubset(of: wanted)
        return isForNames && kept.profile == request.wishes.profile && kept.key.kind == request.settings.key.kind
    }

    /// Whether what it gives may be new: an order that was left behind long ago has an old certificate.
    private func isFresh(_ kept: PendingOrder, _ refusals: Refusals, _ settings: CertificateSettings) -> Bool {
        Self.isWithin(Self.longestOrder, of: max(kept.start, refusals.last))
            || refusals.count >= Self.mostRefusals && Self.isWithin(pauseOfRefusals(settings), of: refusals.last)
    }

    /// The certificate of an order that is kept; nil where another is to be made.
    private func resumed(
        _ kept: PendingOrder,
        _ refusals: Refusals,
        _ request: Request
    ) throws(ACMEProblem) -> CertificateBundle? {
        do throws(ACMEProblem) {
            let bundle = try request.order.resume(kept, chain: request.wishes.chain, obstacle: request.obstacle)
            if let bundle { try request.check(bundle) }
            return bundle
        } catch .unfit(let url, let why, _) {
            // Each time it is looked at anew: it may have come damaged, or this clock was wrong.
            guard refusals.count >= Self.mostRefusals else { return nil }
            let pause = pauseOfRefusals(request.settings)
            guard Self.isWithin(pause, of: refusals.last) else { return nil }
            throw .unfit(url: url, why: why, next: refusals.last + pause)
        } catch {
            if !error.mayPass, error != request.obstacle { giveUp(request) }
            throw error
        }
    }

    private func ordered(_ request: Request, _ refusals: Refusals) throws(ACMEProblem) -> CertificateBundle {
        let (accounts, name) = (request.accounts, request.settings.name)
        let key: PrivateKey
        do throws(CertificateProblem) {
            key = try nextKey(of: request.settings)
        } catch {
            throw .library("\(error)")
        }
        do throws(ACMEProblem) {
            let bundle = try request.order.run(names: request.names, key: key, request.wishes) { url in
                let order = PendingOrder(
                    url: url,
                    names: request.names,
                    profile: request.wishes.profile,
                    key: key,
                    start: Self.clock
                )
                accounts.keep(order, for: name)
            }
            try request.check(bundle)
            return bundle
        } catch .unfit(let url, let why, _) {
            var refusals = refusals
            refusals.count += 1
            refusals.last = Self.clock
            accounts.keep(refusals, for: name)
            guard refusals.count >= Self.mostRefusals else { throw .unfit(url: url, why: why) }
            throw .unfit(url: url, why: why, next: refusals.last + pauseOfRefusals(request.settings))
        } catch {
            if !error.mayPass { giveUp(request) }
            throw error
        }
    }

    /// Where it cannot be deleted, the next try asks the CA for it in vain.
    private func giveUp(_ request: Request) { try? request.accounts.deletePendingOrder(for: request.settings.name) }

    /// Of a certificate that ends soon, a quarter of what is left.
    private func pauseOfRefusals(_ settings: CertificateSettings) -> Int64 {
        let (usual, least) = Self.pauseOfRefusals
        guard let leaf = try? store.loadChain(settings.name).first else { return usual }
        return min(usual, max(least, (leaf.validity.upperBound - Self.clock) / 4))
    }

    /// Whether a moment was so many seconds ago at most; one that a clock left which was ahead was not.
    private static func isWithin(_ seconds: Int64, of moment: Int64) -> Bool {
        (moment - RenewalPlan.slack...moment + seconds).contains(clock)
    }
}

extension ACMEProblem {
    /// The order may come to its end all the same.
    fileprivate var mayPass: Bool {
        switch self {
        // `library`: it is this machine that lacks something.
        case .late, .unreachable, .rateLimited, .unfit, .library: true
        case .refused(_, let status, let type, _, _): status >= 500 || type == "accountDoesNotExist"
        default: false
        }
    }
}
