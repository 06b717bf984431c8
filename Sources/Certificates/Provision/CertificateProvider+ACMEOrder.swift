import Linux
import OpenSSL
import Site

/// An order with one CA, in which names that it complains of do not keep the others waiting for ever.
extension CertificateProvider {
    /// What one CA gave.
    internal struct Made {
        let bundle: CertificateBundle
        let directory: String
        let account: String
        /// Why names were left out; nil when none was.
        let lack: String?
    }

    /// Asks this CA alone. What it gives is not in the store yet.
    internal func order(
        _ settings: CertificateSettings,
        _ acme: ACMESettings,
        _ plan: RenewalPlan,
        wantsNewKey: Bool,
        _ outside: Outside
    ) throws(CertificateProblem) -> Made {
        outside.tell("asking \(acme.directory)")
        let transport = outside.transport(acme)
        let account = try ACMEAccount(acme, in: store, transport)
        do throws(ACMEProblem) {
            let solvers = solvers(settings, acme, outside, failures: plan.failures)
            var lacks: [String] = []
            let bundle = try account.use { session throws(ACMEProblem) in
                let order = ACMEOrder(
                    session,
                    solvers: solvers,
                    now: { Self.clock },
                    uptime: { Int64(Clock.monotonicNanoseconds / 1_000_000_000) },
                    pause: Self.pause
                )
                let wishes = wishes(settings, acme, plan, session.account)
                func certificate(
                    _ names: [String],
                    unless obstacle: ACMEProblem?
                ) throws(ACMEProblem) -> CertificateBundle {
                    try self.certificate(
                        Request(
                            settings: settings,
                            names: names,
                            order: order,
                            wishes: wishes,
                            accounts: ACMEAccountStore(store, directory: acme.directory),
                            obstacle: obstacle,
                            mayLackNames: plan.failures >= Self.patience,
                            wantsNewKey: wantsNewKey,
                            check: { (bundle) throws(ACMEProblem) in
                                try requireIssuer(of: bundle, settings, acme, plan)
                            }
                        )
                    )
                }
                let preflight = try preflight(settings, session, solvers, transport)
                for (name, why) in preflight.doubts.sorted(by: { $0.key < $1.key }) {
                    outside.tell("\(name): \(why.printableLine)")
                }
                // What is seen from here may be another DNS than the CA's: later tries ask it all the same.
                let obstacle = plan.failures < Self.patience ? preflight.problem : nil
                var names = names(settings)
                // A CA may tell of one name at a time. There are fewer each time.
                while true {
                    do throws(ACMEProblem) {
                        let bundle = try certificate(names, unless: obstacle)
                        let missing = Set(names).subtracting(bundle.identifiers).sorted()
                        if !missing.isEmpty {
                            let list = missing.joined(separator: ", ")
                            lacks.append("an order was gone on with that was made without \(list)")
                        }
                        return bundle
                    } catch {
                        guard let rest = rest(of: names, settings, without: error, preflight, plan) else {
                            throw preflight.explaining(error)
                        }
                        lacks.append("\(error); ordered without")
                        names = rest
                    }
                }
            }
            let lack = lacks.isEmpty ? nil : lacks.joined(separator: "; ")
            do throws(ACMEProblem) {
                try account.keep()
                try account.tellContact()
            } catch {
                // Its key is there, by which the CA tells the URL again; and addresses are told with the next order.
                outside.tell("\(acme.directory): \(error)")
            }
            if let chain = acme.chain, !bundle.isBelow(chain) {
                outside.tell(
                    "\(acme.directory) offers no chain below \(chain); its own choice was taken, whose last certificate is of "
                        + "\(bundle.chain.last?.issuer.printableLine ?? "-")"
                )
            }
            return Made(bundle: bundle, directory: acme.directory, account: account.session.account ?? "", lack: lack)
        } catch {
            throw .order(name: settings.name, error)
        }
    }

    private func requireIssuer(
        of bundle: CertificateBundle,
        _ settings: CertificateSettings,
        _ acme: ACMESettings,
        _ plan: RenewalPlan
    ) throws(ACMEProblem) {
        guard plan.origin?.directory == acme.directory, lacksIssuer(bundle, settings) else { return }
        throw .unfit(
            url: acme.directory,
            why: "a certificate without that of its issuer, \(bundle.leaf.issuer), which the one before had"
        )
    }

    /// Profile and chain; and what is replaced, which only the CA and the account that gave it know (RFC 9773, section 5).
    private func wishes(
        _ settings: CertificateSettings,
        _ acme: ACMESettings,
        _ plan: RenewalPlan,
        _ account: String?
    ) -> ACMEOrder.Wishes {
        var wishes = ACMEOrder.Wishes()
        wishes.profile = acme.profile
        wishes.chain = acme.chain
        if let leaf = try? store.loadChain(settings.name).first, let origin = plan.origin,
            origin.fingerprint == leaf.fingerprint, origin.directory == acme.directory,
            origin.account == account
        {
            wishes.replaces = RenewalInformation.identifier(of: leaf)
        }
        return wishes
    }

    /// Tries that fail by a few names before the others are ordered without them.
    private static let patience = 2

    /// The names that a CA did not complain of, when they have waited long enough for the others, and need a certificate
    /// now: one bad name must not let the rest expire.
    ///
    /// - Parameter names: those of the order that failed.
    private func rest(
        of names: [String],
        _ settings: CertificateSettings,
        without problem: ACMEProblem,
        _ preflight: Preflight,
        _ plan: RenewalPlan
    ) -> [String]? {
        func without(_ bad: [String]) -> [String] {
            names.filter { !bad.contains($0) && !bad.contains($0.withoutWildcard) }
        }
        var rest: [String]
        switch problem {
        case .challenge(let name, _): rest = without([name])
        case .challenges(let unproven): rest = without(unproven.map(\.name))
        case .abandoned(_, let bad): rest = without(bad)
        case .refused(_, _, let type, _, let bad):
            rest = without(bad)
            // A CA that does not say which name it is may mean what was seen from here.
            if rest == names, ["caa", "rejectedIdentifier"].contains(type) {
                rest = without(preflight.refusals.map(\.name))
            }
        default: return nil
        }
        guard plan.failures >= Self.patience, !rest.isEmpty, rest != names else { return nil }
        guard let bundle = try? store.load(settings.name) else { return rest }
        let isGood = Set(rest).isSubset(of: bundle.identifiers) && bundle.renewalSchedule.due > Self.clock
        return isGood ? nil : rest
    }
}
