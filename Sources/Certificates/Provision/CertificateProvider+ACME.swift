import Linux
package import OpenSSL
package import Site

/// Certificates that an ACME server issues.
extension CertificateProvider {
    /// What an order needs of the world.
    package struct Outside {
        package let transport: any ACMETransport
        /// Has the running gateway look at the store; throws when none does.
        package let publish: () throws(ACMEProblem) -> Void
        /// Tells what is being done, for a person who waits.
        package let tell: (String) -> Void

        package init(
            _ transport: any ACMETransport,
            publish: @escaping () throws(ACMEProblem) -> Void,
            tell: @escaping (String) -> Void
        ) {
            self.transport = transport
            self.publish = publish
            self.tell = tell
        }
    }

    /// What became of the tries so far.
    package func plan(of settings: CertificateSettings) -> RenewalPlan { store.plan(of: settings.name) }

    /// Keeps it for the next start; nil when there is nothing to keep.
    package func keep(_ plan: RenewalPlan?, of settings: CertificateSettings) { store.keep(plan, of: settings.name) }

    /// Orders a certificate with a new key and keeps it in the store. Takes as long as the CA does, up to minutes; the
    /// store is locked only at the end.
    package func order(
        _ settings: CertificateSettings,
        _ acme: ACMESettings,
        reason: String,
        _ outside: Outside
    ) throws(CertificateProblem) -> CertificateBundle {
        let accounts = ACMEAccountStore(store, directory: acme.directory)
        let (accountKey, account) = try accounts.load()
        let clock = { @Sendable in Int64(Clock.realtimeMicroseconds / 1_000_000) }
        let session = ACMESession(
            directory: acme.directory,
            transport: outside.transport,
            key: accountKey,
            account: account,
            now: clock
        )
        let key: PrivateKey
        do throws(OpenSSLError) {
            key = try PrivateKey.generate(kind(settings))
        } catch {
            throw .library(error)
        }
        let order = ACMEOrder(
            session,
            solvers: solvers(settings, acme, outside),
            now: clock,
            pause: Self.pause
        )
        let bundle: CertificateBundle
        do throws(ACMEProblem) {
            outside.tell("asking \(acme.directory)")
            try session.register(contact: acme.contact)
            do throws(ACMEProblem) {
                bundle = try order.run(names: names(settings), key: key)
            } catch .refused(_, _, "accountDoesNotExist", _) {
                // A CA that lost its accounts, or a test's that was started again.
                session.forgetAccount()
                try session.register(contact: acme.contact)
                bundle = try order.run(names: names(settings), key: key)
            }
        } catch {
            throw .order(name: settings.name, error)
        }
        if let url = session.account, url != account { try accounts.keep(account: url) }
        try ordered { () throws(CertificateProblem) in
            try store.save(bundle, as: settings.name, reason: reason, now: clock())
        }
        return bundle
    }

    /// What can be answered: all that the site file names, but for what no listener of the gateway could show.
    private func solvers(
        _ settings: CertificateSettings,
        _ acme: ACMESettings,
        _ outside: Outside
    ) -> [any ACMEChallengeSolver] {
        acme.challenges.compactMap { challenge in
            switch challenge {
            case .http01:
                guard hasPlainListener else { return nil }
                return GatewayChallenge(.http, in: store, publish: outside.publish)
            case .tlsALPN01:
                guard hasSealedListener else { return nil }
                return GatewayChallenge(.handshake, in: store, publish: outside.publish)
            case .dns01:
                return acme.dns.map { DNSChallenge($0, for: settings.name, in: store, pause: Self.pause) }
            }
        }
    }

    private static func pause(seconds: Int64) { Thread.pause(milliseconds: Int(seconds) * 1000) }
}
