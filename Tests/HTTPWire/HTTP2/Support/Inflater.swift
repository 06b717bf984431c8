import CNGHTTP2

/// Decodes the heads that the server sends, by the library's HPACK decoder.
@safe
final class Inflater {
    private let inflater: OpaquePointer

    init() {
        var made: OpaquePointer?
        precondition(unsafe nghttp2_hd_inflate_new(&made) == 0, "no memory")
        unsafe inflater = made.unsafelyUnwrapped
    }

    deinit { unsafe nghttp2_hd_inflate_del(inflater) }

    /// The fields of one complete block as `name: value`, or nil when it does not decode.
    func decode(_ block: [UInt8]) -> [String]? {
        var fields: [String] = []
        var position = 0
        while true {
            var pair = unsafe nghttp2_nv()
            var flags: Int32 = 0
            let taken = unsafe block.withUnsafeBufferPointer { bytes in
                let rest = unsafe bytes.baseAddress.map { unsafe $0 + position }
                return unsafe nghttp2_hd_inflate_hd2(inflater, &pair, &flags, rest, block.count - position, 1)
            }
            guard taken >= 0 else { return nil }
            position += taken
            if UInt32(flags) & NGHTTP2_HD_INFLATE_EMIT.rawValue != 0 {
                let name = unsafe String(
                    decoding: UnsafeBufferPointer(start: pair.name, count: pair.namelen),
                    as: UTF8.self
                )
                let value = unsafe String(
                    decoding: UnsafeBufferPointer(start: pair.value, count: pair.valuelen),
                    as: UTF8.self
                )
                fields.append("\(name): \(value)")
            }
            if UInt32(flags) & NGHTTP2_HD_INFLATE_FINAL.rawValue != 0 {
                unsafe nghttp2_hd_inflate_end_headers(inflater)
                return fields
            }
        }
    }
}
