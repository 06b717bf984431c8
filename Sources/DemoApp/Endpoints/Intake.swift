import Bytes
import OpenSSL

/// What becomes of a request's body while it comes.
internal enum Intake {
    /// It is of no interest.
    case none
    /// Its start is kept, to be given back.
    case text(ByteBuffer)
    case digest(MessageDigest)

    /// Bytes of a body that `/echo` gives back.
    static let longestText = 65536

    func take(_ bytes: Span<UInt8>) {
        switch self {
        case .none: break
        case .text(let kept): kept.append(bytes.extracting(first: min(bytes.count, Self.longestText - kept.count)))
        case .digest(let digest): digest.update(bytes)
        }
    }

    var bufferedBytes: Int {
        if case .text(let kept) = self { kept.count } else { 0 }
    }
}
