import Bytes

/// The one reading of Content-Length (RFC 9110 section 8.6): digits, and nothing but digits.
package enum ContentLength {
    /// The number of bytes declared, at most `Int64.max`, so that arithmetic on it cannot overflow.
    package static func parse(_ value: Span<UInt8>) -> Result<UInt64, Failure> {
        guard !value.isEmpty else { return .failure(.malformed) }
        var number: UInt64 = 0
        var overflow = false
        for index in value.indices {
            let byte = value[index]
            guard byte.isDigit else {
                // Even a list of equal numbers is refused (RFC 9112 section 6.3 would allow it).
                return .failure(byte == UInt8(ascii: ",") ? .list : .malformed)
            }
            let digit = UInt64(byte - 0x30)
            if number > (UInt64(Int64.max) - digit) / 10 { overflow = true } else { number = number * 10 + digit }
        }
        return overflow ? .failure(.overflow) : .success(number)
    }

    package enum Failure: Error, Equatable {
        case malformed, list, overflow
    }
}
