import Linux
import OpenSSL
package import Site

/// The site's account at one CA, and the conversation in its name. For one thread.
package final class ACMEAccount {
    package private(set) var session: ACMESession
    private let settings: ACMESettings
    private let accounts: ACMEAccountStore
    private let transport: any ACMETransport
    /// The URL as it is on the disk.
    private var stored: String?
    private let isKnown: Bool

    package init(
        _ settings: ACMESettings,
        in store: CertificateStore,
        _ transport: any ACMETransport
    ) throws(CertificateProblem) {
        self.settings = settings
        self.transport = transport
        accounts = ACMEAccountStore(store, directory: settings.directory)
        let held = try accounts.load()
        accounts.note(settings)
        stored = held.url
        isKnown = held.isKnown
        session = Self.session(settings, transport, held.key, held.url)
    }

    private static func session(
        _ settings: ACMESettings,
        _ transport: any ACMETransport,
        _ key: PrivateKey,
        _ account: String?
    ) -> ACMESession {
        ACMESession(
            directory: settings.directory,
            transport: transport,
            key: key,
            account: account,
            now: { WallClock.seconds }
        )
    }

    /// Does something in the account's name, which is made first when there is none. A CA that lost it gets it anew, and one that
    /// knows it by another URL is asked for that.
    ///
    /// - Parameter body: gets the conversation to use, which may not be the one of before.
    package func use<Result>(
        _ body: (ACMESession) throws(ACMEProblem) -> Result
    ) throws(ACMEProblem) -> Result {
        if accounts.hasNextKey { try mendWhereNobodyElseDoes() }
        return try speak(body)
    }

    private func speak<Result>(
        _ body: (ACMESession) throws(ACMEProblem) -> Result
    ) throws(ACMEProblem) -> Result {
        try register(isKnown: isKnown)
        do throws(ACMEProblem) {
            return try body(session)
        } catch {
            guard try isMended(after: error) else { throw error }
            return try body(session)
        }
    }

    /// Whether what is kept of the account was not what the CA has, as in a store of before its key was changed, and is now.
    private func isMended(after problem: ACMEProblem) throws(ACMEProblem) -> Bool {
        guard case .refused(_, _, let type, _, _) = problem else { return false }
        let former = session.account
        switch type {
        case "accountDoesNotExist":
            session.forgetAccount()
            try register(isKnown: true)
            return true
        // So CAs call a signature by another key than the account's, and a URL that is none of theirs, and much besides.
        case "malformed", "unauthorized":
            if try goesOnWithOtherKey() { return true }
            guard !session.isConfirmed else { return false }
            session.forgetAccount()
            do throws(ACMEProblem) {
                try register(isKnown: true)
            } catch {
                // No answer explains nothing.
                if case .refused = error { throw error }
                return false
            }
            return session.account != former
        default: return false
        }
    }

    /// Whether another process has given the account another key since, which is used from now on.
    private func goesOnWithOtherKey() throws(ACMEProblem) -> Bool {
        if accounts.hasNextKey {
            // It does so just now: the CA may have the new one, and the disk not.
            guard let lock = try lock(within: Self.patience) else { return false }
            _ = consume lock
        }
        guard let held = try? accounts.load(), held.isKnown, !held.key.isSame(as: session.key) else { return false }
        stored = held.url
        session = Self.session(settings, transport, held.key, held.url)
        try register(isKnown: true)
        return true
    }

    private func register(isKnown: Bool) throws(ACMEProblem) {
        guard session.account == nil else { return }
        let binding = try binding()
        do throws(ACMEProblem) {
            try session.register(contact: settings.contact, binding: binding, isKnown: isKnown)
        } catch .refused(let url, let status, "unauthorized", let detail, let names) where isKnown {
            throw .refused(
                url: url,
                status: status,
                type: "unauthorized",
                detail: "\(detail); where the account is no more, move \(accounts.folder) out of the store, and the "
                    + "next order makes another",
                names: names
            )
        }
    }

    /// Keeps the account's URL for the next time.
    package func keep() throws(ACMEProblem) {
        guard let url = session.account, url != stored else { return }
        try storing { () throws(CertificateProblem) in try accounts.keep(account: url) }
        stored = url
    }

    /// Tells the CA to whom it may write, where that is another than it was told last. Without addresses it keeps those that it
    /// has: another certificate may name them.
    package func tellContact() throws(ACMEProblem) {
        let (wanted, known) = (settings.contact, accounts.contact)
        guard !wanted.isEmpty else { return }
        if session.toldContact ?? known != wanted { try session.update(contact: wanted) }
        if known != wanted { accounts.note(contact: wanted) }
    }

    // MARK: Another key

    /// Gives the account a new key (RFC 8555, section 7.3.5). The new one is on the disk before the CA hears of it, so that
    /// a crash at any point leaves a key that the CA knows. One process at a time changes it, or ends a change that was broken
    /// off: another would take this one's new key, which the CA does not know yet, for one of no use.
    package func changeKey() throws(ACMEProblem) {
        guard let lock = try lock(within: Self.patience) else {
            throw .library("another process changes the account's key; wait for that, and run this again")
        }
        try mend()
        let next = try speak { session throws(ACMEProblem) in
            // The account is asked for first: nothing is changed for one that the CA does not know.
            guard try session.find() else { throw Self.unknown(settings.directory) }
            return try storing { () throws(CertificateProblem) in try accounts.makeNextKey() }
        }
        try session.change(to: next)
        try storing { () throws(CertificateProblem) in try accounts.adopt(next) }
        session = Self.session(settings, transport, next, session.account)
        try keep()
        _ = consume lock
    }

    /// Milliseconds that another process may take that does the same.
    private static let patience = 60_000

    private static func unknown(_ url: String) -> ACMEProblem {
        .refused(url: url, status: 0, type: "accountDoesNotExist", detail: "the CA does not know the account's key")
    }

    /// Until the CA has taken the next key of whoever changes it just now, the one before is good.
    private func mendWhereNobodyElseDoes() throws(ACMEProblem) {
        guard let lock = try lock(within: 0) else { return }
        try mend()
        _ = consume lock
    }

    /// nil when another process has the account for all that time.
    private func lock(within milliseconds: Int) throws(ACMEProblem) -> FileLock? {
        do throws(CertificateProblem) {
            return try accounts.lock(within: milliseconds)
        } catch {
            if case .file(let problem) = error, problem.isHeldByAnother { return nil }
            throw .library("\(error)")
        }
    }

    /// Ends a change of the key that was broken off: the CA says which of the two keys it knows. The account is locked.
    private func mend() throws(ACMEProblem) {
        guard let next = try storing({ () throws(CertificateProblem) in try accounts.loadNextKey() }) else { return }
        let other = Self.session(settings, transport, next, nil)
        guard try other.find() else { return accounts.dropNextKey() }
        try storing { () throws(CertificateProblem) in try accounts.adopt(next) }
        session = other
    }

    // MARK: Who we are to the CA

    private func binding() throws(ACMEProblem) -> (identifier: String, secret: SecretBytes)? {
        guard let binding = settings.binding else { return nil }
        return (binding.identifier, try binding.secret())
    }

    private func storing<Result>(
        _ body: () throws(CertificateProblem) -> Result
    ) throws(ACMEProblem) -> Result {
        do throws(CertificateProblem) {
            return try body()
        } catch {
            throw .library("\(error)")
        }
    }
}

extension ACMEBinding {
    /// The HMAC key.
    fileprivate func secret() throws(ACMEProblem) -> SecretBytes {
        let key: SecretBytes?
        do {
            let text = try FileReading.readSecret(keyFile, limit: 1 << 12)
            key = try Base64URL.decode(secret: text.bytes)
        } catch {
            throw .library("\(error)")
        }
        guard let key, key.count > 0 else {
            throw .library("\(keyFile): no HMAC key in base64url, as the CA gives it")
        }
        return key
    }

    /// Fails where an account could not be asked for, since the file of the HMAC key is not there, or of no use.
    package func requireKey() throws(ACMEProblem) { _ = try secret() }
}
