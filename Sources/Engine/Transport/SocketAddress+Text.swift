package import Bytes
package import Linux

extension SocketAddress {
    /// Appends the address without its port, as RFC 5952 writes it, without making a `String`.
    package func append(to buffer: ByteBuffer) {
        if !isIPv6 {
            var shift: UInt64 = 32
            while shift > 0 {
                shift -= 8
                buffer.append(decimal: (low >> shift) & 255)
                if shift > 0 { buffer.append(UInt8(ascii: ".")) }
            }
            return
        }
        let gap = longestZeroRun
        var index = 0
        while index < 8 {
            if gap.count > 1 && index == gap.start {
                buffer.append("::")
                index += gap.count
                continue
            }
            if index > 0 && index != gap.start + (gap.count > 1 ? gap.count : 9) {
                buffer.append(UInt8(ascii: ":"))
            }
            buffer.append(hex: group(index))
            index += 1
        }
    }

    private func group(_ index: Int) -> UInt64 {
        let half = index < 4 ? high : low
        return (half >> UInt64((3 - index % 4) * 16)) & 0xFFFF
    }

    /// The first longest run of zero groups (RFC 5952 section 4.2).
    private var longestZeroRun: (start: Int, count: Int) {
        var best = (start: 0, count: 0)
        var index = 0
        while index < 8 {
            var length = 0
            while index + length < 8 && group(index + length) == 0 { length += 1 }
            if length > best.count { best = (index, length) }
            index += max(1, length)
        }
        return best
    }
}
