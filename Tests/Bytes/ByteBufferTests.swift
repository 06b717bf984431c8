import Bytes
import Testing

@Suite struct ByteBufferTests {
    @Test func appendsAndConsumes() {
        let buffer = ByteBuffer(capacity: 4)
        buffer.append("hello ")
        buffer.append([119, 111].span)
        buffer.append(UInt8(ascii: "!"))
        #expect(buffer.text == "hello wo!")
        buffer.consume(6)
        #expect(buffer.text == "wo!")
        #expect(buffer[0] == UInt8(ascii: "w"))
        buffer.consume(3)
        #expect(buffer.isEmpty && buffer.spare == buffer.capacity)
    }

    @Test func reserveMovesBeforeItGrows() {
        let buffer = ByteBuffer(capacity: 16)
        buffer.append("0123456789abcdef")
        buffer.consume(12)
        buffer.reserve(10)
        #expect(buffer.capacity == 16 && buffer.text == "cdef")
        buffer.reserve(13)
        #expect(buffer.capacity == 32 && buffer.text == "cdef")
    }

    @Test(arguments: [0, 7, 10, 99, 100, 12345, UInt64.max, UInt64.max / 10, 10_000_000_000_000_000_000])
    func decimal(_ number: UInt64) {
        let buffer = ByteBuffer(capacity: 1)
        buffer.append(decimal: number)
        #expect(buffer.text == String(number))
    }

    @Test func decimalWithZerosBefore() {
        let buffer = ByteBuffer(capacity: 1)
        buffer.append(decimal: 7, digits: 3)
        buffer.append(decimal: 123_456, digits: 6)
        buffer.append(decimal: 5, digits: 1)
        #expect(buffer.text == "0071234565")
    }

    @Test func everyPairOfDigits() {
        for number in 0...1_100 {
            let buffer = ByteBuffer(capacity: 1)
            buffer.append(decimal: UInt64(number))
            #expect(buffer.text == String(number))
            buffer.clear()
            buffer.append(hex: UInt64(number), minimumDigits: 3)
            #expect(buffer.text == String(String(number + 4096, radix: 16).dropFirst()))
        }
    }

    @Test func copiesItsOwnBytesThoughItMoves() {
        let buffer = ByteBuffer(capacity: 8)
        buffer.append("xxabcdef")
        buffer.consume(2)
        buffer.appendCopy(of: Slice(offset: 1, length: 4))
        #expect(buffer.text == "abcdefbcde")
    }

    @Test(arguments: [0, 1, 15, 16, 255, 4096, UInt64.max])
    func hexadecimal(_ number: UInt64) {
        let buffer = ByteBuffer(capacity: 1)
        buffer.append(hex: number)
        #expect(buffer.text == String(number, radix: 16) || (number == 0 && buffer.text == "0"))
        buffer.clear()
        buffer.append(hex: number, minimumDigits: 16)
        #expect(buffer.count == 16)
    }

    @Test func slicesAndComparison() {
        let buffer = ByteBuffer(capacity: 32)
        buffer.append("Host: FooBar.com")
        let isHost = buffer.span(Slice(offset: 0, length: 4)).equalsIgnoringCase("host")
        let value = Slice(offset: 6, length: 10)
        let folded = buffer.span(value).equalsIgnoringCase("foobar.com")
        let exact = buffer.span(value).equals("foobar.com")
        #expect(isHost && folded && !exact)
        let colon = buffer.readable.firstIndex(of: UInt8(ascii: ":"))
        #expect(colon == 4)
        let starts = buffer.readable.starts(with: [72, 111].span)
        #expect(starts)
    }

    @Test func poolReusesTheLastAndDropsTheGrown() {
        let pool = BufferPool(size: 64, keep: 2)
        let first = pool.take()
        first.append("x")
        pool.give(first)
        #expect(pool.take() === first && first.isEmpty && pool.made == 1)
        first.reserve(65)
        pool.give(first)
        #expect(pool.take() !== first && pool.made == 2 && pool.lent == 1)
    }
}
