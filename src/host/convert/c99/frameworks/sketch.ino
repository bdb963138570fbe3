/* Runs the self-test, then classifies the images that arrive over the serial port.
 *
 * An image is @NAME@_PIXELS bytes, row by row, 0 for the background and 255 for full ink. Send the next one after the answer to the
 * last: the port keeps 64 bytes while the network works. What is left of an image after a pause of a second is dropped. */
#include <Arduino.h>
#include <@name@.h>

static uint8_t image[@NAME@_PIXELS];
static @name@_memory memory;

static void answer()
{
    const uint32_t start = micros();
    const uint8_t found = @name@_classify(image, &memory);
    const uint32_t time = micros() - start;

    Serial.print(F("class "));
    Serial.print(found);
    Serial.print(F(" margin "));
    Serial.print(memory.margin);
#if @NAME@_STEPS
    Serial.print(F(" confidence "));
    Serial.print(@name@_confidence(memory.margin));
    Serial.print(F(" %"));
#endif
    Serial.print(F(" microseconds "));
    Serial.println(time);
}

void setup()
{
    Serial.begin(115200);
    while (!Serial) {
    }
    Serial.println(@name@_selftest(image, &memory) ? F("self-test passed") : F("self-test FAILED"));
    answer(); /* to the image of the self-test */
}

void loop()
{
    if (Serial.readBytes(reinterpret_cast<char *>(image), @NAME@_PIXELS) == @NAME@_PIXELS) {
        answer();
    }
}
