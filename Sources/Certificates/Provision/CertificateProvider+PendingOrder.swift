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

    /// What the order gives that was made before, as long as it may come to something; else that of another.
    internal func certificate(_ request: Request) throws(ACMEProblem) -> CertificateBundle {
        let (accounts, name) = (request.accounts, request.settings.name)
        var refusals = 0
        if let kept = accounts.pendingOrder(for: name) {
            refusals = kept.refusals
            let kind = request.settings.key.kind
            if !request.wantsNewKey, kept.isFor(request.names, profile: request.wishes.profile, kind),
                isFresh(kept, request.settings), let bundle = try resumed(kept, request)
            {
                return bundle
            }
            accounts.dropPendingOrder(for: name)
        }
        return try ordered(request, refusals: refusals)
    }

    /// Whether what it gives may be new: an order that was left behind long ago has an old certificate.
    private func isFresh(_ kept: PendingOrder, _ settings: CertificateSettings) -> Bool {
        Self.isWithin(Self.longestOrder, of: max(kept.start, kept.lastRefusal))
            || kept.refusals >= Self.mostRefusals && Self.isWithin(pauseOfRefusals(settings), of: kept.lastRefusal)
    }

    /// The certificate of an order that is kept; nil where another is to be made.
    private func resumed(_ kept: PendingOrder, _ request: Request) throws(ACMEProblem) -> CertificateBundle? {
        do throws(ACMEProblem) {
            let bundle = try request.order.resume(kept, chain: request.wishes.chain)
            if let bundle { try request.check(bundle) }
            return bundle
        } catch .unfit(let url, let why, _) {
            // Each time it is looked at anew: it may have come damaged, or this clock was wrong.
            guard kept.refusals >= Self.mostRefusals else { return nil }
            let pause = pauseOfRefusals(request.settings)
            guard Self.isWithin(pause, of: kept.lastRefusal) else { return nil }
            throw .unfit(url: url, why: why, next: kept.lastRefusal + pause)
        } catch {
            if !error.mayPass { request.accounts.dropPendingOrder(for: request.settings.name) }
            throw error
        }
    }

    private func ordered(_ request: Request, refusals: Int) throws(ACMEProblem) -> CertificateBundle {
        let (accounts, name) = (request.accounts, request.settings.name)
        let key: PrivateKey
        do throws(CertificateProblem) {
            key = try nextKey(of: request.settings)
        } catch {
            throw .library("\(error)")
        }
        var pending: PendingOrder?
        do throws(ACMEProblem) {
            let bundle = try request.order.run(names: request.names, key: key, request.wishes) { url in
                var order = PendingOrder(
                    url: url,
                    names: request.names,
                    profile: request.wishes.profile,
                    key: key,
                    start: Self.clock
                )
                order.refusals = refusals
                pending = order
                accounts.keep(order, for: name)
            }
            try request.check(bundle)
            return bundle
        } catch .unfit(let url, let why, _) {
            guard var order = pending else { throw .unfit(url: url, why: why) }
            order.refusals += 1
            order.lastRefusal = Self.clock
            accounts.keep(order, for: name)
            guard order.refusals >= Self.mostRefusals else { throw .unfit(url: url, why: why) }
            throw .unfit(url: url, why: why, next: order.lastRefusal + pauseOfRefusals(request.settings))
        } catch {
            if !error.mayPass { accounts.dropPendingOrder(for: name) }
            throw error
        }
    }

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
        case .refused(_, let status, let type, _): status >= 500 || type == "accountDoesNotExist"
        default: false
        }
    }
}
