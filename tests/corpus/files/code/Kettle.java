package org.example.kitchen;

/** A kettle that refuses to boil without water. */
public final class Kettle {
    private double litres;

    public void fill(double more) {
        if (more < 0) {
            throw new IllegalArgumentException("a kettle cannot be filled with less than nothing");
        }
        litres = Math.min(1.7, litres + more);
    }

    /** Minutes until the water sings; depends on nothing but the amount. */
    public double minutesToBoil() {
        if (litres == 0) {
            throw new IllegalStateException("the kettle is dry");
        }
        return 1.2 + litres * 2.1;
    }
}
