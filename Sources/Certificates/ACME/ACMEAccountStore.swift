package import Linux
package import OpenSSL
import Site

/// The account at an ACME server, kept in the store: its key and its URL, one for each server.
package struct ACMEAccountStore: Sendable {
    private static let homeName = "acme-accounts"

    private let store: CertificateStore
    /// Of its folder.
    private let name: String

    /// - Parameter directory: the URL of the server's directory.
    package init(_ store: CertificateStore, directory: String) {
        self.init(folder: String(Fingerprint.sha256(directory).prefix(16)), in: store)
    }

    private init(folder name: String, in store: CertificateStore) {
        self.store = store
        self.name = name
    }

    /// The folder of all accounts, and of this one.
    private var home: String { "\(store.folder)/\(Self.homeName)" }
    internal var folder: String { "\(home)/\(name)" }

    /// All that the store has.
    internal static func accounts(in store: CertificateStore) -> [ACMEAccountStore] {
        guard let home = try? OpenFolder(store.folder).folder(homeName) else { return [] }
        let names = (try? home.names()) ?? []
        return names.filter { home.kind(of: $0) != .other }.map { ACMEAccountStore(folder: $0, in: store) }
    }

    /// What is kept of an account.
    package struct Account {
        package let key: PrivateKey
        /// nil until it was registered.
        package let url: String?
        /// The key was not made just now.
        package let isKnown: Bool
    }

    private var keyPath: String { folder + "/key.pem" }
    private var nextKeyPath: String { folder + "/key-next.pem" }
    internal var ordersFolder: String { folder + "/orders" }

    /// The same, to look at and to remove what is in it: not through a link within the store.
    internal func openOrders() throws(FileError) -> OpenFolder {
        try OpenFolder(store.folder).folder(Self.homeName).folder(name).folder("orders")
    }

    /// The account's key and, once it was registered, its URL. A key is made when there is none.
    package func load() throws(CertificateProblem) -> Account {
        try requireNoLink()
        if !FileWriting.exists(keyPath), let key = try makeFirstKey() {
            return Account(key: key, url: nil, isKnown: false)
        }
        var url: [UInt8] = []
        do throws(FileError) {
            if FileWriting.exists(folder + "/account") {
                url = try FileReading.read(folder + "/account", limit: 1 << 12, trust: .ownerWrites, followsLink: false)
            }
        } catch {
            throw .file(error)
        }
        let account = String(decoding: url, as: UTF8.self).split(separator: "\n").first.map { String($0) }
        return Account(key: try loadKey(keyPath), url: account, isKnown: true)
    }

    /// Fails where there is a key, and it cannot be used. Changes nothing.
    internal func requireUsable() throws(CertificateProblem) {
        try requireNoLink()
        if FileWriting.exists(keyPath) { _ = try loadKey(keyPath) }
        _ = try loadNextKey()
    }

    private func requireNoLink() throws(CertificateProblem) {
        for place in [home, folder] where FileWriting.isLink(place) {
            throw .file(FileError(path: place, problem: .link))
        }
    }

    package var hasNextKey: Bool { FileWriting.exists(nextKeyPath) }

    /// Keeps others from changing the account's keys until the lock goes.
    package func lock(within milliseconds: Int) throws(CertificateProblem) -> FileLock {
        do throws(FileError) {
            try FileWriting.requireOwner(store.folder)
            try FileWriting.createFolder(home)
            try FileWriting.createFolder(folder)
            return try FileLock.take(folder + "/.lock", within: milliseconds)
        } catch {
            throw .file(error)
        }
    }

    /// The key that is to follow, which may be the account's already when a change was broken off; nil without one.
    package func loadNextKey() throws(CertificateProblem) -> PrivateKey? {
        FileWriting.exists(nextKeyPath) ? try loadKey(nextKeyPath) : nil
    }

    /// A key to follow, on the disk before the CA hears of it.
    package func makeNextKey() throws(CertificateProblem) -> PrivateKey { try makeKey(nextKeyPath) }

    /// The next key is the account's from now on.
    ///
    /// - Parameter next: as it is known, whatever became of its file.
    package func adopt(_ next: PrivateKey) throws(CertificateProblem) {
        let pem = next.pem
        do throws(FileError) {
            try FileWriting.replace(keyPath, with: pem.bytes, mode: 0o600)
        } catch {
            throw .file(error)
        }
        dropNextKey()
    }

    package func dropNextKey() { FileWriting.remove(nextKeyPath) }

    private func loadKey(_ path: String) throws(CertificateProblem) -> PrivateKey {
        let pem: SecretBytes
        do throws(FileError) {
            pem = try FileReading.readSecret(path, limit: 1 << 16, trust: .ownerOnly, followsLink: false)
        } catch {
            throw .file(error)
        }
        do throws(CertificateError) {
            return try PrivateKey(pem: pem.bytes)
        } catch {
            throw .accountKey(path: path, folder: folder, error)
        }
    }

    /// Keeps the URL of the account.
    package func keep(account: String) throws(CertificateProblem) {
        let line = Array((account + "\n").utf8)
        do throws(FileError) {
            try FileWriting.replace(folder + "/account", with: line.span, mode: 0o600)
        } catch {
            throw .file(error)
        }
    }

    private var contactPath: String { folder + "/contact" }

    /// The mail addresses that the server was told last; empty where nobody knows of any.
    internal var contact: [String] {
        let bytes = try? FileReading.read(contactPath, limit: 1 << 16, trust: .ownerWrites, followsLink: false)
        return String(decoding: bytes ?? [], as: UTF8.self).split(separator: "\n").map { String($0) }
    }

    /// Notes them. What cannot be written is only forgotten: the server is told once more.
    internal func note(contact: [String]) {
        let text = Array(contact.map { $0 + "\n" }.joined().utf8)
        try? FileWriting.replace(contactPath, with: text.span, mode: 0o600)
    }

    // MARK: Whose it is

    private var serverPath: String { folder + "/server" }

    /// Notes how its server is reached: what that issued is taken back there, also when the site file names it no
    /// longer. What cannot be written is only forgotten.
    internal func note(_ acme: ACMESettings) {
        let document = JSONValue.object([
            .init("directory", .string(acme.directory)), .init("trust", acme.trust.map { .string($0) } ?? .null),
        ])
        let text = Array((document.line + "\n").utf8)
        if let known = try? FileReading.read(serverPath, limit: 1 << 12, trust: .ownerWrites, followsLink: false),
            known == text
        {
            return
        }
        try? FileWriting.replace(serverPath, with: text.span, mode: 0o600)
    }

    /// The servers that the store has accounts at, by their directories.
    internal static func servers(in store: CertificateStore) -> [ACMESettings] {
        accounts(in: store).compactMap(\.server).sorted { $0.directory < $1.directory }
    }

    /// nil where no account was registered, or nobody noted whose it is.
    private var server: ACMESettings? {
        guard FileWriting.exists(folder + "/account"),
            let bytes = try? FileReading.read(serverPath, limit: 1 << 12, trust: .ownerWrites, followsLink: false),
            let value = JSONValue(parsing: String(decoding: bytes, as: UTF8.self)),
            let directory = value["directory"]?.text, ACMEAccountStore(store, directory: directory).name == name
        else { return nil }
        var settings = ACMESettings(directory: directory)
        settings.trust = value["trust"]?.text
        return settings
    }

    // MARK: A server that is too busy

    private var holdPath: String { folder + "/held-until" }

    /// The server wants nothing to be asked of it, by whatever certificate's order. What cannot be written is only
    /// forgotten: each order has its own plan.
    package func hold(until moment: Int64) {
        try? FileWriting.replace(holdPath, with: Array("\(moment)\n".utf8).span, mode: 0o600)
    }

    /// Until when that is: seconds since 1970; 0 when it is over, or farther ahead than any server is listened to, as a
    /// clock that was wrong leaves it.
    package func held(at now: Int64) -> Int64 {
        guard let bytes = try? FileReading.read(holdPath, limit: 32, trust: .ownerWrites, followsLink: false),
            let moment = Int64(String(decoding: bytes, as: UTF8.self).prefix { $0 != "\n" }),
            moment <= now + ACMEResponse.longestPause
        else { return 0 }
        return moment
    }

    /// One key for all who begin at a time; nil when another one has made it. Two that register with the same key have the
    /// same account (RFC 8555, section 7.3).
    private func makeFirstKey() throws(CertificateProblem) -> PrivateKey? {
        let lock = try lock(within: 10_000)
        let key = FileWriting.exists(keyPath) ? nil : try makeKey(keyPath)
        _ = consume lock
        return key
    }

    private func makeKey(_ path: String) throws(CertificateProblem) -> PrivateKey {
        let key: PrivateKey
        do throws(OpenSSLError) {
            key = try PrivateKey.generate(.ecdsaP256)
        } catch {
            throw .library(error)
        }
        let pem = key.pem
        do throws(FileError) {
            try FileWriting.createFolder(folder)
            try FileWriting.replace(path, with: pem.bytes, mode: 0o600)
        } catch {
            throw .file(error)
        }
        return key
    }
}
