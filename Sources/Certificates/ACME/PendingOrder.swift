package import Linux
package import OpenSSL
import Site

/// An order that a CA has taken, kept until its certificate is here: a CA counts orders, and gives what it issued for as long
/// as it is good. So a CA that takes long, and a process that ends in between, cost no second one.
package struct PendingOrder {
    /// Where the CA tells how it stands.
    package let url: String
    package let names: [String]
    package let profile: String?
    /// What is to be certified.
    package let key: PrivateKey
    /// When it was made: seconds since 1970.
    package let start: Int64

    package init(url: String, names: [String], profile: String?, key: PrivateKey, start: Int64) {
        self.url = url
        self.names = names
        self.profile = profile
        self.key = key
        self.start = start
    }
}

/// Certificates in a row that a CA issued and that are refused here: a CA counts these, too.
package struct Refusals: Equatable {
    package var count = 0
    /// When the last of them came: seconds since 1970.
    package var last: Int64 = 0

    package init() {}
}

/// In the folder of the account that made it: `orders/NAME` holds the order and, for its owner alone, its key; and what is
/// counted of refusals, which outlasts them.
extension ACMEAccountStore {
    private static let refusalsFile = "refused"

    private func path(_ name: String) -> String { "\(ordersFolder)/\(name)" }

    /// The order for a certificate that has not come to its end; nil where there is none, or none that can be read.
    package func pendingOrder(for name: String) -> PendingOrder? {
        guard let value = document("order", for: name), let url = value["url"]?.text,
            let start = value["start"]?.integer, UTC.range.contains(Int64(start)),
            let key = try? CertificateSource.loadKey(keyPath(of: name), followsLink: false)
        else { return nil }
        return PendingOrder(
            url: url,
            names: value["names"]?.items.compactMap(\.text) ?? [],
            profile: value["profile"]?.text,
            key: key,
            start: Int64(start)
        )
    }

    /// What was refused here of what the CA issued for a certificate.
    package func refusals(for name: String) -> Refusals {
        var refusals = Refusals()
        guard let value = document(Self.refusalsFile, for: name) else { return refusals }
        refusals.count = min(max(0, value["count"]?.integer ?? 0), 1 << 16)
        let last = Int64(value["last"]?.integer ?? 0)
        refusals.last = UTC.range.contains(last) ? last : 0
        return refusals
    }

    private func document(_ file: String, for name: String) -> JSONValue? {
        guard let home = try? openOrders().folder(name),
            let bytes = try? home.read(file, limit: 1 << 16, trust: .ownerOnly)
        else { return nil }
        return JSONValue(parsing: String(decoding: bytes, as: UTF8.self))
    }

    private func keyPath(of name: String) -> String { "\(path(name))/key.pem" }

    /// Keeps it, in place of one before. What cannot be kept is only ordered anew.
    package func keep(_ order: PendingOrder, for name: String) {
        let text = Array((order.document.line + "\n").utf8)
        let key = order.key.pem
        do throws(FileError) {
            try deletePendingOrder(for: name)
            try createFolder(for: name)
            // The order comes last: with it, the key is there.
            try FileWriting.replace(keyPath(of: name), with: key.bytes, mode: 0o600)
            try FileWriting.replace("\(path(name))/order", with: text.span, mode: 0o600)
        } catch {
            try? deletePendingOrder(for: name)
        }
    }

    /// Keeps what was refused; what cannot be kept is only counted anew.
    package func keep(_ refusals: Refusals, for name: String) {
        let document = JSONValue.object([
            .init("count", .integer(refusals.count)), .init("last", .integer(Int(refusals.last))),
        ])
        let text = Array((document.line + "\n").utf8)
        do throws(FileError) {
            try createFolder(for: name)
            try FileWriting.replace("\(path(name))/\(Self.refusalsFile)", with: text.span, mode: 0o600)
        } catch {
            return
        }
    }

    private func createFolder(for name: String) throws(FileError) {
        try FileWriting.createFolder(ordersFolder)
        try FileWriting.createFolder(path(name))
    }

    /// Deletes it for certain, its key first, and what a write left that was broken off. One that is not there is no error.
    package func deletePendingOrder(for name: String) throws(FileError) {
        do throws(FileError) {
            let home = try openOrders().folder(name)
            try home.delete("key.pem")
            for file in try home.names() where file != Self.refusalsFile && home.kind(of: file) != .folder {
                try home.delete(file)
            }
        } catch {
            if !error.isNoSuchFile { throw error }
        }
    }

    /// Deletes those of a certificate at all CAs, for certain: their keys may be known to somebody.
    package static func deletePendingOrders(
        for name: String,
        in store: CertificateStore
    ) throws(CertificateProblem) {
        var problem: FileError?
        for account in accounts(in: store) {
            do throws(FileError) {
                try account.deletePendingOrder(for: name)
            } catch {
                problem = problem ?? error
            }
        }
        if let problem { throw problem.isLink ? CertificateProblem.file(problem) : .keyRemains(problem) }
    }

    /// Removes all that is kept of orders of a certificate, at all CAs: it is here, or nobody wants it any more.
    package static func endPendingOrders(for name: String, in store: CertificateStore) {
        for account in accounts(in: store) { try? account.openOrders().removeFolder(name, first: "key.pem") }
    }
}

extension PendingOrder {
    fileprivate var document: JSONValue {
        .object([
            .init("url", .string(url)),
            .init("names", .strings(names)),
            .init("profile", profile.map { .string($0) } ?? .null),
            .init("start", .integer(Int(start))),
        ])
    }
}
