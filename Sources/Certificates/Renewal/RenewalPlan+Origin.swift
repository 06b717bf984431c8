import Site

extension RenewalPlan {
    /// Where a certificate comes from.
    package struct Origin: Sendable, Equatable {
        /// Its SHA-256: what is kept of another one says nothing of it.
        package let fingerprint: String
        /// The CA's directory, and the account that ordered it; empty where nobody knows that, or none did.
        package let directory: String
        package let account: String
        /// The chain that the CA was asked for, empty for its own choice; nil where nobody knows.
        package let chain: String?
        /// The same of the profile.
        package let profile: String?

        package init(
            fingerprint: String,
            directory: String,
            account: String,
            chain: String? = nil,
            profile: String? = nil
        ) {
            self.fingerprint = fingerprint
            self.directory = directory
            self.account = account
            self.chain = chain
            self.profile = profile
        }
    }
}

extension RenewalPlan.Origin {
    internal init?(_ value: JSONValue) {
        guard let fingerprint = value["certificate"]?.text, let directory = value["directory"]?.text,
            let account = value["account"]?.text
        else { return nil }
        self.init(
            fingerprint: fingerprint,
            directory: directory,
            account: account,
            chain: value["chain"]?.text,
            profile: value["profile"]?.text
        )
    }

    internal var members: [JSONValue.Member] {
        var members: [JSONValue.Member] = [
            .init("certificate", .string(fingerprint)), .init("directory", .string(directory)),
            .init("account", .string(account)),
        ]
        if let chain { members.append(.init("chain", .string(chain))) }
        if let profile { members.append(.init("profile", .string(profile))) }
        return members
    }
}
