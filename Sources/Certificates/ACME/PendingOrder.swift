import Linux
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
    /// Certificates in a row that the CA issued and that are refused here, this order's included.
    package var refusals = 0
    /// When the last of them came: seconds since 1970.
    package var lastRefusal: Int64 = 0

    package init(url: String, names: [String], profile: String?, key: PrivateKey, start: Int64) {
        self.url = url
        self.names = names
        self.profile = profile
        self.key = key
        self.start = start
    }

    /// Whether its certificate would be what is wanted now.
    internal func isFor(_ names: [String], profile: String?, _ kind: PrivateKey.Kind) -> Bool {
        Set(names) == Set(self.names) && profile == self.profile && kind == key.kind
    }
}

/// In the folder of the account that made it: `orders/NAME` holds the order and, for its owner alone, its key.
extension ACMEAccountStore {
    private func path(_ name: String) -> String { "\(ordersFolder)/\(name)" }

    /// The order for a certificate that has not come to its end; nil where there is none, or none that can be read.
    package func pendingOrder(for name: String) -> PendingOrder? {
        guard
            let bytes = try? FileReading.read(
                "\(path(name))/order",
                limit: 1 << 16,
                trust: .ownerOnly,
                followsLink: false
            ),
            let value = JSONValue(parsing: String(decoding: bytes, as: UTF8.self)), let url = value["url"]?.text,
            let start = value["start"]?.integer, UTC.range.contains(Int64(start)),
            let key = try? CertificateSource.loadKey(keyPath(of: name), followsLink: false)
        else { return nil }
        var order = PendingOrder(
            url: url,
            names: value["names"]?.items.compactMap(\.text) ?? [],
            profile: value["profile"]?.text,
            key: key,
            start: Int64(start)
        )
        order.refusals = min(max(0, value["refusals"]?.integer ?? 0), 1 << 16)
        let refusal = Int64(value["last_refusal"]?.integer ?? 0)
        order.lastRefusal = UTC.range.contains(refusal) ? refusal : 0
        return order
    }

    private func keyPath(of name: String) -> String { "\(path(name))/key.pem" }

    /// Keeps it, in place of one before. What cannot be kept is only ordered anew.
    package func keep(_ order: PendingOrder, for name: String) {
        dropPendingOrder(for: name)
        let text = Array((order.document.line + "\n").utf8)
        let key = order.key.pem
        do throws(FileError) {
            try FileWriting.createFolder(ordersFolder)
            try FileWriting.createFolder(path(name))
            // The order comes last: with it, the key is there.
            try FileWriting.replace(keyPath(of: name), with: key.bytes, mode: 0o600)
            try FileWriting.replace("\(path(name))/order", with: text.span, mode: 0o600)
        } catch {
            dropPendingOrder(for: name)
        }
    }

    /// Deletes those of a certificate at all CAs: it is here, or nobody wants it any more.
    package static func dropPendingOrders(for name: String, in store: CertificateStore) {
        for folder in (try? FileReading.names(inFolder: home(of: store))) ?? [] {
            ACMEAccountStore(folder: folder, in: store).dropPendingOrder(for: name)
        }
    }

    /// Deletes it, its key first.
    package func dropPendingOrder(for name: String) {
        guard FileWriting.exists(path(name)), let folder = try? OpenFolder(ordersFolder) else { return }
        folder.removeFolder(name, first: "key.pem")
    }
}

extension PendingOrder {
    fileprivate var document: JSONValue {
        .object([
            .init("url", .string(url)),
            .init("names", .strings(names)),
            .init("profile", profile.map { .string($0) } ?? .null),
            .init("start", .integer(Int(start))),
            .init("refusals", .integer(refusals)),
            .init("last_refusal", .integer(Int(lastRefusal))),
        ])
    }
}
